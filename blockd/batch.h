/*
 * blockd/batch.h - a batch of netlink messages to nf_tables: all of them take effect, or none.
 *
 * Only writes. The form is the kernel's (linux/netlink.h, linux/netfilter/nfnetlink.h): headers in
 * the host's byte order, attributes padded to four bytes, numbers in them big-endian. Written by us
 * and not by libnftables, which would bring a parser of a language, an output for people and half a
 * megabyte into a process with CAP_NET_ADMIN; what we say is one table of one shape.
 */
#ifndef POSTHORN_BLOCKD_BATCH_H
#define POSTHORN_BLOCKD_BATCH_H

#include "lib/base/strbuf.h"

/* All addresses in both sets of their family, twice removed and made. */
#define BATCH_MAX ((size_t)24 << 20)

struct batch {
    struct strbuf out; /* out.overflow: it did not fit */
    uint32_t sequence; /* of its last message */
};

struct batch batch_begin(void);
void batch_end(struct batch *batch);
void batch_free(struct batch *batch);

/* `type`: NFT_MSG_*; `flags`: NLM_F_*. Returns what batch_close takes. */
size_t batch_message(struct batch *batch, uint16_t type, uint16_t flags);
/* An attribute with others inside. A message's, and its own, length is at most 65,535 bytes. */
size_t batch_nest(struct batch *batch, uint16_t type);
void batch_close(struct batch *batch, size_t message);
void batch_close_nest(struct batch *batch, size_t nest);
void batch_text(struct batch *batch, uint16_t type, const char *text);
void batch_u32(struct batch *batch, uint16_t type, uint32_t value);
void batch_u64(struct batch *batch, uint16_t type, uint64_t value);
void batch_bytes(struct batch *batch, uint16_t type, const void *bytes, size_t len);

#endif
