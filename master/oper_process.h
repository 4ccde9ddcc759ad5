/*
 * master/oper_process.h - operd, the one process that may write the configuration.
 *
 * master gives that up before it reads anything, and what it starts afterwards could not do it
 * either: so operd is started before, once, and does nothing but fork. If it is killed all the
 * same, that is logged, and administrators on other hosts lack its operations until the suite is
 * started again; mail does not need it.
 */
#ifndef POSTHORN_MASTER_OPER_PROCESS_H
#define POSTHORN_MASTER_OPER_PROCESS_H

#include "lib/base/strbuf.h"
#include "lib/conf/instance.h"
#include "lib/sys/loop.h"

struct oper_process;

/* It holds `lock_fd` for as long as it lives. NULL with a line in `errors`. */
struct oper_process *oper_start(const struct instance *inst, int lock_fd, struct strbuf *errors);
void oper_watch(struct oper_process *oper, struct loop *loop); /* logs its end */
void oper_end(struct oper_process **operp);                    /* kills it */

#endif
