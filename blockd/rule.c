/*
 * blockd/rule.c - the rule that drops new TCP connections from a set of addresses to a set of
 * ports.
 *
 * nf_tables' programs are expressions that load into a register and look at it. Fields of headers
 * are taken by their place.
 */
#include "blockd/rule.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>

enum { IPV4_LEN = 4, IPV6_LEN = 16, PORT_LEN = 2 };

/* An expression of a rule: its name and, to fill, its data. */
struct expression {
    size_t whole, data;
};

static struct expression
expression(struct batch *batch, const char *name)
{
    struct expression e = {.whole = batch_nest(batch, NFTA_LIST_ELEM)};

    batch_text(batch, NFTA_EXPR_NAME, name);
    e.data = batch_nest(batch, NFTA_EXPR_DATA);
    return e;
}

static void
end_expression(struct batch *batch, const struct expression *e)
{
    batch_close_nest(batch, e->data);
    batch_close_nest(batch, e->whole);
}

static void
value_of(struct batch *batch, uint16_t type, const void *bytes, size_t len)
{
    size_t value = batch_nest(batch, type);

    batch_bytes(batch, NFTA_DATA_VALUE, bytes, len);
    batch_close_nest(batch, value);
}

static void
load_meta(struct batch *batch, uint32_t key)
{
    struct expression e = expression(batch, "meta");

    batch_u32(batch, NFTA_META_KEY, key);
    batch_u32(batch, NFTA_META_DREG, NFT_REG_1);
    end_expression(batch, &e);
}

static void
load_payload(struct batch *batch, uint32_t base, size_t offset, size_t len)
{
    struct expression e = expression(batch, "payload");

    batch_u32(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
    batch_u32(batch, NFTA_PAYLOAD_BASE, base);
    batch_u32(batch, NFTA_PAYLOAD_OFFSET, (uint32_t)offset);
    batch_u32(batch, NFTA_PAYLOAD_LEN, (uint32_t)len);
    end_expression(batch, &e);
}

static void
keep_bits(struct batch *batch, const unsigned char *mask, size_t len)
{
    static const unsigned char zeros[IPV6_LEN];
    struct expression e = expression(batch, "bitwise");

    batch_u32(batch, NFTA_BITWISE_SREG, NFT_REG_1);
    batch_u32(batch, NFTA_BITWISE_DREG, NFT_REG_1);
    batch_u32(batch, NFTA_BITWISE_LEN, (uint32_t)len);
    value_of(batch, NFTA_BITWISE_MASK, mask, len);
    value_of(batch, NFTA_BITWISE_XOR, zeros, len);
    end_expression(batch, &e);
}

static void
is_equal(struct batch *batch, unsigned char byte)
{
    struct expression e = expression(batch, "cmp");

    batch_u32(batch, NFTA_CMP_SREG, NFT_REG_1);
    batch_u32(batch, NFTA_CMP_OP, NFT_CMP_EQ);
    value_of(batch, NFTA_CMP_DATA, &byte, sizeof(byte));
    end_expression(batch, &e);
}

static void
is_in_set(struct batch *batch, const char *set)
{
    struct expression e = expression(batch, "lookup");

    batch_text(batch, NFTA_LOOKUP_SET, set);
    batch_u32(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
    end_expression(batch, &e);
}

static void
count_and_drop(struct batch *batch)
{
    struct expression e = expression(batch, "counter");
    size_t data, verdict;

    batch_u64(batch, NFTA_COUNTER_BYTES, 0);
    batch_u64(batch, NFTA_COUNTER_PACKETS, 0);
    end_expression(batch, &e);
    e = expression(batch, "immediate");
    batch_u32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data = batch_nest(batch, NFTA_IMMEDIATE_DATA);
    verdict = batch_nest(batch, NFTA_DATA_VERDICT);
    batch_u32(batch, NFTA_VERDICT_CODE, NF_DROP);
    batch_close_nest(batch, verdict);
    batch_close_nest(batch, data);
    end_expression(batch, &e);
}

/* RFC 9293 section 3.1: the flags are in byte 13, the port to in bytes 2 and 3. A connection's
 * first packet has SYN and neither ACK, RST nor FIN. */
static void
match_new_connection(struct batch *batch, const char *ports)
{
    static const unsigned char flags = TH_SYN | TH_ACK | TH_RST | TH_FIN;

    load_meta(batch, NFT_META_L4PROTO);
    is_equal(batch, IPPROTO_TCP);
    load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
    keep_bits(batch, &flags, sizeof(flags));
    is_equal(batch, TH_SYN);
    load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, 2, PORT_LEN);
    is_in_set(batch, ports);
}

/* RFC 791 section 3.1, RFC 8200 section 3: where the source is. */
static void
match_source(struct batch *batch, const struct rule *rule)
{
    static const unsigned char net64[IPV6_LEN] = {255, 255, 255, 255, 255, 255, 255, 255};

    load_meta(batch, NFT_META_NFPROTO);
    is_equal(batch, rule->v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    if (rule->v4) {
        load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, 12, IPV4_LEN);
    } else {
        load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, 8, IPV6_LEN);
        keep_bits(batch, net64, sizeof(net64));
    }
    is_in_set(batch, rule->addresses);
}

void
rule_make(struct batch *batch, const char *table, const char *chain, const struct rule *rule)
{
    size_t message = batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), list;

    batch_text(batch, NFTA_RULE_TABLE, table);
    batch_text(batch, NFTA_RULE_CHAIN, chain);
    list = batch_nest(batch, NFTA_RULE_EXPRESSIONS);
    match_new_connection(batch, rule->ports);
    match_source(batch, rule);
    count_and_drop(batch);
    batch_close_nest(batch, list);
    batch_close(batch, message);
}
