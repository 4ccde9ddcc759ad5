/*
 * lib/store/work.c - what this process has asked of the disk so far.
 */
#include "lib/store/work.h"

struct store_work *
store_work(void)
{
    static struct store_work work;

    return &work;
}
