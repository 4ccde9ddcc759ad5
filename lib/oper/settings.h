/*
 * lib/oper/settings.h - a setting as an object of kind "setting" (lib/oper/kinds.def).
 */
#ifndef POSTHORN_LIB_OPER_SETTINGS_H
#define POSTHORN_LIB_OPER_SETTINGS_H

#include "lib/conf/conf.h"
#include "lib/ipc/object.h"

/* Runs use() once, with fields that are borrowed for the call. */
void oper_setting_row(const struct conf *conf, enum conf_id id,
                      void (*use)(void *arg, const struct object_field *fields, uint32_t count),
                      void *arg);

#endif
