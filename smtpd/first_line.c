/*
 * smtpd/first_line.c - is the first line one of a mail client?
 *
 * Input: bytes from the network, hostile; seen by the parent, which leaves them to the worker. No
 *        I/O. What the line says is the worker's to judge.
 */
#include "smtpd/first_line.h"

#include "lib/base/http_probe.h"

enum pool_first
first_line_judge(struct slice seen, bool rejects_pipelining)
{
    size_t end = slice_index(seen, '\n');

    if (end == seen.len)
        return POOL_FIRST_PART;
    if (http_probe(slice_sub(seen, 0, end)))
        return POOL_FIRST_ALIEN;
    /* whatever the first command is, PIPELINING has not been announced yet (RFC 2920 section 3.1)
     */
    if (rejects_pipelining && end + 1 < seen.len)
        return POOL_FIRST_PIPELINED;
    return POOL_FIRST_GOOD;
}
