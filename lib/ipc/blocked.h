/*
 * lib/ipc/blocked.h - what authd says of blocked addresses to those who refuse them early: the
 * protocol daemons' parents (AUTHD_BLOCKS) and blockd (BLOCKD_BLOCKED).
 *
 * First the whole list, in parts, then each change. A part: u8 anew, u8 whole, u32 count, and for
 * each address 16 bytes (IPv4 mapped; of IPv6 the network of 64 bits), u64 and u64: until when.
 */
#ifndef POSTHORN_LIB_IPC_BLOCKED_H
#define POSTHORN_LIB_IPC_BLOCKED_H

#include "lib/auth/blocked_set.h"
#include "lib/ipc/frame.h"

#define BLOCKED_ITEMS_MAX 256 /* in one part */
#define BLOCKED_PAYLOAD_MAX (BLOCKED_ITEMS_MAX * 39u + 64u)

int blocked_encode(struct strbuf *out, uint16_t type, const struct blocked_part *part);
/* Into the caller's `items`. */
int blocked_decode(struct slice payload, struct blocked_part *part,
                   struct blocked_item items[BLOCKED_ITEMS_MAX]);

#endif
