/*
 * lib/oper/locations.h - own records of where addresses are, as objects of kind "location".
 */
#ifndef POSTHORN_LIB_OPER_LOCATIONS_H
#define POSTHORN_LIB_OPER_LOCATIONS_H

#include "lib/conf/list_file.h"
#include "lib/ipc/object.h"

/* In the order in which they are looked at; fields are borrowed for the call. */
void locations_each(const struct list_file *file,
                    void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                    void *arg);

#endif
