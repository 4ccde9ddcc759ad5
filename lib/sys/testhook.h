/*
 * lib/sys/testhook.h - runs an attack inside a session worker, for t/e2e/test_sandbox.py.
 *
 * Only in a build with TESTHOOKS=1; in all others the functions are not there. A client's line
 * "XTESTHOOK attack [argument]", in whatever protocol and state, is taken out of the stream, what
 * it names is done as if the client had taken the process over, and the result is written back:
 * "XTESTHOOK ok", or "XTESTHOOK EPERM" with the name of the error that the kernel gave.
 */
#ifndef POSTHORN_LIB_SYS_TESTHOOK_H
#define POSTHORN_LIB_SYS_TESTHOOK_H
#ifdef POSTHORN_TESTHOOKS

#include "lib/base/slice.h"
#include "lib/base/strbuf.h"

/* False: `line` is none of ours. True: the reply, with CRLF, is in `reply`. */
bool testhook_line(struct slice line, struct strbuf *reply);

#endif
#endif
