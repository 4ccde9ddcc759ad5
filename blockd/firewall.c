/*
 * blockd/firewall.c - the table of ours in the host's firewall.
 *
 * The kernel answers within the call: a message that it does not take is an error in the socket
 * when the batch has been written, and the first message of each batch asks for a word in any case.
 */
#include "blockd/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blockd/batch.h"
#include "blockd/rule.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define CHAIN "input"
#define PRIORITY (-10)     /* before the host's own filter, which has 0 */
#define ELEMENTS_MAX 1000u /* in one message: its length has 16 bits */
#define ANSWER_MAX 8192

/* nft's numbers of types, by which `nft list` shows what is in a set. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_SERVICE = 13 };
enum { IPV4_LEN = 4, IPV6_LEN = 16, PORT_LEN = 2, SET_COUNT = 4 };

struct firewall {
    int fd; /* -1: the kernel has no such socket */
    struct ports ports;
};

/* A set of addresses, and the set of ports that it is for. */
struct address_set {
    const char *name, *ports;
    bool v4, admins;
};
static const struct address_set sets[SET_COUNT] = {
    {"blocked4", "login_ports", true, false},
    {"blocked6", "login_ports", false, false},
    {"admin_blocked4", "admin_ports", true, true},
    {"admin_blocked6", "admin_ports", false, true},
};

/* ---- the socket ---- */

struct firewall *
firewall_open(const struct ports *ports)
{
    struct firewall *fw = xcalloc(1, sizeof(*fw));
    int size = (int)BATCH_MAX + (1 << 20);

    fw->ports = *ports;
    fw->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    if (fw->fd < 0)
        return fw;
    /* A batch is one datagram. With the right to change the firewall goes that to such a buffer. */
    (void)setsockopt(fw->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    (void)setsockopt(fw->fd, SOL_NETLINK, NETLINK_CAP_ACK, &(int){1}, sizeof(int));
    return fw;
}

void
firewall_close(struct firewall **fwp)
{
    if (*fwp == NULL)
        return;
    close_keep_errno((*fwp)->fd);
    xfree(fwp);
}

/* The first error in what the kernel said, 0, or -1: that was no answer. */
static int
error_in(const char *bytes, size_t len)
{
    int error = -1;

    while (len >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr header;
        struct nlmsgerr word;
        size_t size;

        memcpy(&header, bytes, sizeof(header));
        size = NLMSG_ALIGN((size_t)header.nlmsg_len);
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > len)
            return EPROTO;
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len >= NLMSG_LENGTH(sizeof(word))) {
            memcpy(&word, bytes + NLMSG_HDRLEN, sizeof(word));
            if (word.error != 0)
                return -word.error;
            error = 0;
        }
        if (size >= len)
            break;
        bytes += size;
        len -= size;
    }
    return error;
}

/* What is still in the socket belongs to this batch: the first error is why. */
static int
hear(const struct firewall *fw)
{
    int error = -1;
    char bytes[ANSWER_MAX];
    ssize_t n;

    while ((n = read(fw->fd, bytes, sizeof(bytes))) > 0) {
        int word = error_in(bytes, (size_t)n);

        if (error <= 0 && word >= 0)
            error = word;
    }
    if (error < 0) /* not even the word that was asked for */
        error = n < 0 && errno != EAGAIN ? errno : EPROTO;
    errno = error;
    return error == 0 ? 0 : -1;
}

static int
send_batch(const struct firewall *fw, struct batch *batch)
{
    int rc = -1;

    batch_end(batch);
    if (batch->out.overflow)
        errno = EMSGSIZE;
    else if (fw->fd < 0)
        errno = EAFNOSUPPORT;
    else if (write(fw->fd, batch->out.ptr, batch->out.len) == (ssize_t)batch->out.len)
        rc = hear(fw);
    batch_free(batch);
    return rc;
}

/* ---- table, sets and chain ---- */

static void
table(struct batch *batch, uint16_t type, uint16_t flags)
{
    size_t message = batch_message(batch, type, flags);

    batch_text(batch, NFTA_TABLE_NAME, FIREWALL_TABLE);
    batch_close(batch, message);
}

/* There is none before, or none after. */
static void
remove_table(struct batch *batch)
{
    table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK); /* so that there is one to remove */
    table(batch, NFT_MSG_DELTABLE, 0);
}

struct set_kind {
    uint32_t key_type, key_len, flags;
};

static void
make_set(struct batch *batch, const char *name, const struct set_kind *kind)
{
    size_t message = batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE);

    batch_text(batch, NFTA_SET_TABLE, FIREWALL_TABLE);
    batch_text(batch, NFTA_SET_NAME, name);
    batch_u32(batch, NFTA_SET_FLAGS, kind->flags);
    batch_u32(batch, NFTA_SET_KEY_TYPE, kind->key_type);
    batch_u32(batch, NFTA_SET_KEY_LEN, kind->key_len);
    batch_u32(batch, NFTA_SET_ID, batch->sequence); /* no other of this batch has it */
    batch_close(batch, message);
}

static void
make_chain(struct batch *batch)
{
    size_t message = batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), hook;

    batch_text(batch, NFTA_CHAIN_TABLE, FIREWALL_TABLE);
    batch_text(batch, NFTA_CHAIN_NAME, CHAIN);
    hook = batch_nest(batch, NFTA_CHAIN_HOOK);
    batch_u32(batch, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_IN);
    batch_u32(batch, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY);
    batch_close_nest(batch, hook);
    batch_u32(batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_text(batch, NFTA_CHAIN_TYPE, "filter");
    batch_close(batch, message);
}

/* ---- elements ---- */

/* A message with elements of one set; a second one follows when it is full. */
struct filling {
    struct batch *batch;
    const char *set;
    uint16_t type, flags;
    size_t message, list;
    unsigned count; /* 0: no message is open */
};

static void
end_filling(struct filling *f)
{
    if (f->count == 0)
        return;
    batch_close_nest(f->batch, f->list);
    batch_close(f->batch, f->message);
    f->count = 0;
}

static void
add_element(struct filling *f, const void *key, size_t len, int64_t timeout_ms)
{
    size_t element, value;

    if (f->count == ELEMENTS_MAX)
        end_filling(f);
    if (f->count++ == 0) {
        f->message = batch_message(f->batch, f->type, f->flags);
        batch_text(f->batch, NFTA_SET_ELEM_LIST_TABLE, FIREWALL_TABLE);
        batch_text(f->batch, NFTA_SET_ELEM_LIST_SET, f->set);
        f->list = batch_nest(f->batch, NFTA_SET_ELEM_LIST_ELEMENTS);
    }
    element = batch_nest(f->batch, NFTA_LIST_ELEM);
    value = batch_nest(f->batch, NFTA_SET_ELEM_KEY);
    batch_bytes(f->batch, NFTA_DATA_VALUE, key, len);
    batch_close_nest(f->batch, value);
    if (timeout_ms > 0)
        batch_u64(f->batch, NFTA_SET_ELEM_TIMEOUT, (uint64_t)timeout_ms);
    batch_close_nest(f->batch, element);
}

static struct filling
new_filling(struct batch *batch, const char *set)
{
    return (struct filling){
        .batch = batch, .set = set, .type = NFT_MSG_NEWSETELEM, .flags = NLM_F_CREATE};
}

/* Is it for this set, and for how long? 0: not, or not any more. */
static int64_t
timeout_in(const struct address_set *set, const struct blocked_item *item, int64_t now_ms)
{
    int64_t until_ms = set->admins ? item->admins_until_ms : item->logins_until_ms;

    if (until_ms <= now_ms)
        return 0;
    return until_ms - now_ms < FIREWALL_KEEP_MS ? until_ms - now_ms : FIREWALL_KEEP_MS;
}

static bool
is_of_family(const struct address_set *set, const struct blocked_item *item)
{
    return ip_is_v4(&item->ip) == set->v4 && !ip_is_loopback(&item->ip);
}

static void
add_address(struct filling *f, const struct address_set *set, const struct blocked_item *item,
            int64_t timeout_ms)
{
    size_t len = set->v4 ? IPV4_LEN : IPV6_LEN;

    add_element(f, item->ip.bytes + sizeof(item->ip.bytes) - len, len, timeout_ms);
}

static void
fill(struct batch *batch, const struct blocked_set *set, int64_t now_ms)
{
    for (size_t i = 0; i < SET_COUNT; i++) {
        struct filling f = new_filling(batch, sets[i].name);
        const struct blocked_item *item;
        size_t at = 0;

        while ((item = blocked_set_next(set, &at)) != NULL) {
            int64_t timeout_ms = timeout_in(&sets[i], item, now_ms);

            if (timeout_ms > 0 && is_of_family(&sets[i], item))
                add_address(&f, &sets[i], item, timeout_ms);
        }
        end_filling(&f);
    }
}

static void
fill_ports(struct batch *batch, const char *name, const uint16_t *ports, size_t count)
{
    struct filling f = new_filling(batch, name);

    for (size_t i = 0; i < count; i++) {
        const uint16_t big = htons(ports[i]);

        add_element(&f, &big, sizeof(big), 0);
    }
    end_filling(&f);
}

/* ---- what can be asked for ---- */

int
firewall_build(struct firewall *fw, const struct blocked_set *set, int64_t now_ms)
{
    static const struct set_kind v4 = {TYPE_IPV4, IPV4_LEN, NFT_SET_TIMEOUT},
                                 v6 = {TYPE_IPV6, IPV6_LEN, NFT_SET_TIMEOUT},
                                 service = {TYPE_SERVICE, PORT_LEN, 0};
    struct batch batch = batch_begin();

    remove_table(&batch);
    table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    make_set(&batch, "login_ports", &service);
    make_set(&batch, "admin_ports", &service);
    for (size_t i = 0; i < SET_COUNT; i++)
        make_set(&batch, sets[i].name, sets[i].v4 ? &v4 : &v6);
    fill_ports(&batch, "login_ports", fw->ports.logins, fw->ports.login_count);
    fill_ports(&batch, "admin_ports", fw->ports.admins, fw->ports.admin_count);
    make_chain(&batch);
    for (size_t i = 0; i < SET_COUNT; i++)
        rule_make(&batch, FIREWALL_TABLE, CHAIN,
                  &(struct rule){sets[i].ports, sets[i].name, sets[i].v4});
    fill(&batch, set, now_ms);
    return send_batch(fw, &batch);
}

static void
empty_set(struct batch *batch, const char *name, uint16_t flags)
{
    size_t message = batch_message(batch, NFT_MSG_DELSETELEM, flags);

    batch_text(batch, NFTA_SET_ELEM_LIST_TABLE, FIREWALL_TABLE);
    batch_text(batch, NFTA_SET_ELEM_LIST_SET, name);
    batch_close(batch, message);
}

int
firewall_refill(struct firewall *fw, const struct blocked_set *set, int64_t now_ms)
{
    struct batch batch = batch_begin();

    for (size_t i = 0; i < SET_COUNT; i++)
        empty_set(&batch, sets[i].name, i == 0 ? NLM_F_ACK : 0);
    fill(&batch, set, now_ms);
    return send_batch(fw, &batch);
}

/* Made, so that it is there, then removed, then made as it shall be: an element's time cannot be
 * changed, and one that has just ended by itself cannot be removed. */
static void
change_set(struct batch *batch, const struct address_set *set, const struct blocked_part *part,
           int64_t now_ms)
{
    for (unsigned step = 0; step < 3; step++) {
        struct filling f = new_filling(batch, set->name);

        if (step == 1) {
            f.type = NFT_MSG_DELSETELEM;
            f.flags = 0;
        }
        for (uint32_t i = 0; i < part->count; i++) {
            int64_t timeout_ms = timeout_in(set, &part->items[i], now_ms);

            if (!is_of_family(set, &part->items[i]) || (step == 2 && timeout_ms == 0))
                continue;
            add_address(&f, set, &part->items[i],
                        step == 0   ? FIREWALL_KEEP_MS
                        : step == 1 ? 0
                                    : timeout_ms);
        }
        end_filling(&f);
    }
}

int
firewall_change(struct firewall *fw, const struct blocked_part *part, int64_t now_ms)
{
    struct batch batch = batch_begin();

    table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
    for (size_t i = 0; i < SET_COUNT; i++)
        change_set(&batch, &sets[i], part, now_ms);
    return send_batch(fw, &batch);
}

int
firewall_remove(struct firewall *fw)
{
    struct batch batch = batch_begin();

    remove_table(&batch);
    return send_batch(fw, &batch);
}
