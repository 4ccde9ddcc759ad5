/*
 * blockd/batch.c - writes netlink messages.
 */
#include "blockd/batch.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/base/mem.h"

static void
put(struct batch *batch, const void *bytes, size_t len)
{
    static const char zeros[NLA_ALIGNTO];

    (void)strbuf_append(&batch->out, slice_make(bytes, len)); /* overflow is remembered there */
    (void)strbuf_append(&batch->out, slice_make(zeros, -len % NLA_ALIGNTO));
}

static size_t
message(struct batch *batch, uint16_t type, uint16_t flags, struct nfgenmsg about)
{
    size_t at = batch->out.len;
    struct nlmsghdr header = {.nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                              .nlmsg_seq = ++batch->sequence};

    put(batch, &header, sizeof(header));
    put(batch, &about, sizeof(about));
    return at;
}

static void
frame(struct batch *batch, uint16_t type)
{
    const struct nfgenmsg about = {
        .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};

    batch_close(batch, message(batch, type, 0, about));
}

struct batch
batch_begin(void)
{
    struct batch batch = {.out = strbuf_new(BATCH_MAX)};

    frame(&batch, NFNL_MSG_BATCH_BEGIN);
    return batch;
}

void
batch_end(struct batch *batch)
{
    frame(batch, NFNL_MSG_BATCH_END);
}

void
batch_free(struct batch *batch)
{
    strbuf_free(&batch->out);
}

size_t
batch_message(struct batch *batch, uint16_t type, uint16_t flags)
{
    const struct nfgenmsg about = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

    return message(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, about);
}

void
batch_close(struct batch *batch, size_t at)
{
    uint32_t len = (uint32_t)(batch->out.len - at);

    if (!batch->out.overflow)
        memcpy(batch->out.ptr + at + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
}

static void
attribute(struct batch *batch, uint16_t type, size_t len)
{
    const struct nlattr header = {.nla_len = (uint16_t)(sizeof(header) + len), .nla_type = type};

    assert_always(sizeof(header) + len <= UINT16_MAX);
    put(batch, &header, sizeof(header));
}

size_t
batch_nest(struct batch *batch, uint16_t type)
{
    size_t at = batch->out.len;

    attribute(batch, (uint16_t)(NLA_F_NESTED | type), 0);
    return at;
}

void
batch_close_nest(struct batch *batch, size_t at)
{
    size_t size = batch->out.len - at;
    uint16_t len = (uint16_t)size;

    if (batch->out.overflow)
        return;
    assert_always(size <= UINT16_MAX);
    memcpy(batch->out.ptr + at + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

void
batch_bytes(struct batch *batch, uint16_t type, const void *bytes, size_t len)
{
    attribute(batch, type, len);
    put(batch, bytes, len);
}

void
batch_text(struct batch *batch, uint16_t type, const char *text)
{
    batch_bytes(batch, type, text, strlen(text) + 1);
}

void
batch_u32(struct batch *batch, uint16_t type, uint32_t value)
{
    const uint32_t big = htonl(value);

    batch_bytes(batch, type, &big, sizeof(big));
}

void
batch_u64(struct batch *batch, uint16_t type, uint64_t value)
{
    const uint64_t big = htobe64(value);

    batch_bytes(batch, type, &big, sizeof(big));
}
