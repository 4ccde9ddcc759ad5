/*
 * fuzz/fuzz_accountd.c - the decoders of lib/ipc/accountd; the first byte chooses one.
 */
#include <stdint.h>

#include "lib/ipc/accountd.h"
#include "lib/ipc/accountd_block.h"
#include "lib/ipc/accountd_doings.h"
#include "lib/ipc/accountd_senders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
take_address(void *arg, uint32_t i, const struct accountd_recipient *recipient)
{
    (void)i;
    *(size_t *)arg += recipient->address.len + recipient->auth_user.len;
    return 0;
}

static int
take_target(void *arg, const struct accountd_target *target)
{
    *(size_t *)arg += target->text.len;
    return 0;
}

static int
take_visit(void *arg, const struct accountd_visit *visit)
{
    *(size_t *)arg += visit->user.len + visit->result.len;
    return 0;
}

static int
take_removal(void *arg, const struct accountd_removal *removal)
{
    *(size_t *)arg += removal->folder.len;
    return 0;
}

static int
take_usage(void *arg, const struct accountd_usage *usage)
{
    *(size_t *)arg += usage->path.len;
    return 0;
}

static void
take_pair(void *arg, struct slice domain, struct slice address)
{
    *(size_t *)arg += domain.len + address.len;
}

static void
decode_admin_reply(struct slice payload)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;

    if (accountd_admin_reply_decode(payload, &reply) == 0)
        while (object_next(&reply.data, fields) > 0)
            continue;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX];
    static struct accountd_acl_entry entries[ACCOUNTD_ACL_MAX];
    static struct block blocks[ACCOUNTD_BLOCKS_MAX];
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice users[ACCOUNTD_CHANGED_MAX], payload = slice_make(data, size);
    uint32_t count;
    union {
        struct accountd_rcpt rcpt;
        struct accountd_rcpt_reply rcpt_reply;
        struct accountd_login login;
        struct accountd_login_reply login_reply;
        struct accountd_rehash rehash;
        struct accountd_missing missing;
        struct accountd_delivery delivery;
        struct accountd_sent sent;
        struct accountd_sender sender;
        struct accountd_spend spend;
        struct accountd_acl acl;
        struct accountd_acl_reply acl_reply;
        struct accountd_quota quota;
        struct accountd_quota_reply quota_reply;
        struct accountd_admin admin;
        struct accountd_changed changed;
        uint64_t known;
        struct accountd_senders senders;
        struct block block;
        struct accountd_blocks blocks;
    } out;
    size_t sum = 0;
    const struct accountd_visits_taker taker = {take_visit, take_removal, &sum};

    if (size == 0)
        return 0;
    payload = slice_sub(payload, 1, payload.len);
    switch (data[0]) {
    case ACCOUNTD_RCPT:
        return accountd_rcpt_decode(payload, &out.rcpt) * 0;
    case ACCOUNTD_SPEND:
        return accountd_spend_decode(payload, &out.spend) * 0;
    case ACCOUNTD_UNSPEND:
        return accountd_unspend_decode(payload, &out.spend, &(bool){false}) * 0;
    case ACCOUNTD_RCPT_REPLY:
        return accountd_rcpt_reply_decode(payload, &out.rcpt_reply) * 0;
    case ACCOUNTD_EXPAND:
        return accountd_expand_decode(payload, take_address, &sum) * 0;
    case ACCOUNTD_EXPAND_REPLY:
        return accountd_expand_reply_decode(payload, take_target, &sum) * 0;
    case ACCOUNTD_LOGIN:
        return accountd_login_decode(payload, &out.login) * 0;
    case ACCOUNTD_LOGIN_REPLY:
        return accountd_login_reply_decode(payload, &out.login_reply) * 0;
    case ACCOUNTD_REHASH:
        return accountd_rehash_decode(payload, &out.rehash) * 0;
    case ACCOUNTD_USAGE:
        return accountd_usage_decode(payload, &out.delivery, take_usage, &sum) * 0;
    case ACCOUNTD_MISSING:
        return accountd_missing_decode(payload, &out.missing) * 0;
    case ACCOUNTD_FOLDERS_REPLY:
        return accountd_folders_reply_decode(payload, folders, &count) * 0;
    case ACCOUNTD_ACL:
        return accountd_acl_decode(payload, &out.acl) * 0;
    case ACCOUNTD_ACL_REPLY:
        return accountd_acl_reply_decode(payload, &out.acl_reply, entries) * 0;
    case ACCOUNTD_QUOTA:
        return accountd_quota_decode(payload, &out.quota) * 0;
    case ACCOUNTD_QUOTA_REPLY:
        return accountd_quota_reply_decode(payload, &out.quota_reply) * 0;
    case ACCOUNTD_WATCH:
        return accountd_watch_decode(payload, &out.known) * 0;
    case ACCOUNTD_CHANGED:
        return accountd_changed_decode(payload, &out.changed, users) * 0;
    case ACCOUNTD_BLOCK:
        return accountd_block_decode(payload, &out.block) * 0;
    case ACCOUNTD_BLOCKS:
        return accountd_blocks_decode(payload, &out.known) * 0;
    case ACCOUNTD_BLOCKS_REPLY:
        return accountd_blocks_reply_decode(payload, &out.blocks, blocks) * 0;
    case ACCOUNTD_VISITS:
        return accountd_visits_decode(payload, &taker) * 0;
    case ACCOUNTD_SENT:
        return accountd_sent_decode(payload, &out.sent) * 0;
    case ACCOUNTD_SENDER:
        return accountd_sender_decode(payload, &out.sender) * 0;
    case ACCOUNTD_SENDERS:
        return accountd_senders_decode(payload, &out.known) * 0;
    case ACCOUNTD_SENDERS_REPLY:
        return accountd_senders_reply_decode(payload, &out.senders, take_pair, &sum) * 0;
    case ACCOUNTD_ADMIN:
        return accountd_admin_decode(payload, &out.admin, fields) * 0;
    case ACCOUNTD_ADMIN_REPLY:
        decode_admin_reply(payload);
        return 0;
    default:
        return 0;
    }
}
