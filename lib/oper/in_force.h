/*
 * lib/oper/in_force.h - changes of posthorn.conf, services.conf and list files are put in force, or
 * taken back.
 *
 * Asks master; blocks until the services run with the new configuration, at most OPER_WAIT_MS.
 */
#ifndef POSTHORN_LIB_OPER_IN_FORCE_H
#define POSTHORN_LIB_OPER_IN_FORCE_H

#include "lib/oper/oper.h"

/* From reading the old text until the new one is in force: one change at a time. A descriptor to
 * close, or -1, and the answer says why. */
int in_force_lock(struct oper *op);

/* Has master take what is on disk. 0; 1: it is in force, though a service does not run with it, and
 * `why` says which; -1: nothing has changed, with the reason in `why`. Services in `failed`
 * (lines), which had failed before, do not count. */
int in_force_reload(const struct instance *inst, struct slice failed, struct strbuf *why);

/* Replaces the file's text `before` and has it put in force; what a service does not run with is
 * taken back, unless somebody else has changed the file meanwhile. 0, or with the reason: -1,
 * nothing has changed; -2, the file could not be changed back: that is a change for the record. */
int in_force_replace(const struct instance *inst, const char *path, struct slice before,
                     struct slice after, struct strbuf *why);
/* The answer to what in_force_replace() has returned. */
void in_force_answer(struct oper *op, int rc, const struct strbuf *why);

#endif
