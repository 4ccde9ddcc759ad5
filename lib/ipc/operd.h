/*
 * lib/ipc/operd.h - what authd asks operd: system operations for administrators whose rights
 * accountd has judged. Socket run/oper.sock; authd, root and the owner of the suite only.
 *
 * Frames are ACCOUNTD_ADMIN and ACCOUNTD_ADMIN_REPLY (lib/ipc/accountd.h), with actor and origin.
 * A connection's requests are answered one after the other.
 */
#ifndef POSTHORN_LIB_IPC_OPERD_H
#define POSTHORN_LIB_IPC_OPERD_H

#include "lib/ipc/accountd.h"

#define OPERD_SOCKET "oper.sock"
#define OPERD_CHILDREN_MAX 32 /* connections at once */

#endif
