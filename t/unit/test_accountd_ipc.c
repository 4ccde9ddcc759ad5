/*
 * t/unit/test_accountd_ipc.c - lib/ipc/accountd: what is encoded decodes, everything else is
 * refused.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc/accountd.h"

#define FRAME_MAX (16u << 20)

static struct slice
payload(const struct strbuf *frame)
{
    return slice_sub(strbuf_slice(frame), FRAME_HEADER, frame->len);
}

/* Each decoder, for a payload that may be anything. */
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
    *(size_t *)arg += target->address.len + target->path.len;
    return 0;
}

static int
take_usage(void *arg, const struct accountd_usage *usage)
{
    *(size_t *)arg += usage->path.len;
    return 0;
}

static int
decode_rcpt(struct slice p)
{
    struct accountd_rcpt r;

    return accountd_rcpt_decode(p, &r);
}

static int
decode_rcpt_reply(struct slice p)
{
    struct accountd_rcpt_reply r;

    return accountd_rcpt_reply_decode(p, &r);
}

static int
decode_expand(struct slice p)
{
    size_t sum = 0;

    return accountd_expand_decode(p, take_address, &sum);
}

static int
decode_expand_reply(struct slice p)
{
    size_t sum = 0;

    return accountd_expand_reply_decode(p, take_target, &sum);
}

static int
decode_login(struct slice p)
{
    struct accountd_login r;

    return accountd_login_decode(p, &r);
}

static int
decode_login_reply(struct slice p)
{
    struct accountd_login_reply r;

    return accountd_login_reply_decode(p, &r);
}

static int
decode_rehash(struct slice p)
{
    struct accountd_rehash r;

    return accountd_rehash_decode(p, &r);
}

static int
decode_usage(struct slice p)
{
    struct accountd_delivery delivery;
    size_t sum = 0;

    return accountd_usage_decode(p, &delivery, take_usage, &sum);
}

static int
decode_missing(struct slice p)
{
    struct accountd_missing report;

    return accountd_missing_decode(p, &report);
}

static int
decode_sender(struct slice p)
{
    struct accountd_sender r;

    return accountd_sender_decode(p, &r);
}

static int
decode_admin(struct slice p)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin r;

    return accountd_admin_decode(p, &r, fields);
}

static int
decode_admin_reply(struct slice p)
{
    struct accountd_admin_reply r;

    return accountd_admin_reply_decode(p, &r);
}

/* ---- one message of each type ---- */

static int
encode_rcpt(struct strbuf *out)
{
    const struct accountd_rcpt r = {SLICE("a@b"), SLICE("c@d"), SLICE("e@f"), 77, true};

    return accountd_rcpt_encode(out, &r);
}

static int
encode_rcpt_reply(struct strbuf *out)
{
    const struct accountd_rcpt_reply r = {.verdict = ACCOUNTD_LOCAL,
                                          .code = 550,
                                          .dsn = SLICE("5.1.1"),
                                          .text = SLICE("no"),
                                          .counted = true,
                                          .rcpts = {3, SLICE("recipients_per_hour"), true},
                                          .class_rcpts = {ACCOUNTD_NO_LIMIT, SLICE(""), false},
                                          .bytes = {9, SLICE("max_message_bytes"), false}};

    return accountd_rcpt_reply_encode(out, 9, &r);
}

static int
encode_expand(struct strbuf *out)
{
    const struct accountd_recipient list[] = {{SLICE("a@b"), SLICE(""), SLICE(""), false},
                                              {SLICE("c@d"), SLICE("e@f"), SLICE("g@h"), true}};

    return accountd_expand_encode(out, list, 2);
}

static int
encode_expand_reply(struct strbuf *out)
{
    const struct accountd_target list[] = {
        {.kind = ACCOUNTD_TO_MAILBOX, .address = SLICE("a@b"), .path = SLICE("b/00/a")},
        {.source = 1, .kind = ACCOUNTD_TO_REMOTE, .address = SLICE("c@d"), .via = SLICE("alias")},
    };

    return accountd_expand_reply_encode(out, 9, list, 2);
}

static int
encode_login(struct strbuf *out)
{
    const struct accountd_login r = {SLICE("alice"), SLICE("127.0.0.1"), SLICE("mail.d.test"),
                                     SLICE("imap")};

    return accountd_login_encode(out, &r);
}

static int
encode_login_reply(struct strbuf *out)
{
    const struct accountd_login_reply r = {.user = SLICE("a@b"), .password = SLICE("{PLAIN}x")};

    return accountd_login_reply_encode(out, 9, &r);
}

static int
encode_rehash(struct strbuf *out)
{
    const struct accountd_rehash r = {SLICE("a@b"), SLICE("{OLD}x"), SLICE("{NEW}y")};

    return accountd_rehash_encode(out, &r);
}

static int
encode_usage(struct strbuf *out)
{
    const struct accountd_usage list[] = {{SLICE("b/00/a"), 1, 2, true},
                                          {SLICE("b/00/c"), 3, 4, false}};
    const struct accountd_delivery delivery = {SLICE("a@b"), SLICE("4fXk2q"), 77, 1000};

    return accountd_usage_encode(out, &delivery, list, 2);
}

static int
encode_missing(struct strbuf *out)
{
    return accountd_missing_encode(out, &(struct accountd_missing){SLICE("a@b"), SLICE("b/00/a")});
}

static int
encode_sender(struct strbuf *out)
{
    const struct accountd_sender r = {SLICE("a@b"), SLICE("c@d")};

    return accountd_sender_encode(out, &r);
}

static int
encode_admin(struct strbuf *out)
{
    const struct object_field fields[] = {{SLICE("status"), SLICE("normal")}};
    const struct accountd_admin r = {.verb = SLICE("set"),
                                     .kind = SLICE("user"),
                                     .name = SLICE("a@b"),
                                     .actor = SLICE("admin"),
                                     .origin = SLICE("192.0.2.1"),
                                     .fields = fields,
                                     .field_count = 1};

    return accountd_admin_encode(out, &r);
}

static int
encode_admin_reply(struct strbuf *out)
{
    const struct accountd_admin_reply r = {2, SLICE("no such user"), SLICE("x"), SLICE("data")};

    return accountd_admin_reply_encode(out, 9, &r);
}

static int
encode_folders(struct strbuf *out)
{
    return accountd_folders_encode(out, SLICE("a@b"));
}

static int
decode_folders(struct slice p)
{
    struct slice user;

    return accountd_folders_decode(p, &user);
}

static int
encode_folders_reply(struct strbuf *out)
{
    const struct accountd_folder list[] = {
        {SLICE("@News"), SLICE("b/00/@news"), SLICE(""), 3, 7, 8},
        {SLICE("~c@d/Work"), SLICE("d/00/c"), SLICE(".Work"), 1, 0, 0},
    };

    return accountd_folders_reply_encode(out, 9, list, 2);
}

static int
decode_folders_reply(struct slice p)
{
    struct accountd_folder list[ACCOUNTD_FOLDERS_MAX];
    uint32_t count;

    return accountd_folders_reply_decode(p, list, &count);
}

static int
encode_acl(struct strbuf *out)
{
    const struct accountd_acl r = {ACCOUNTD_ACL_CREATE, SLICE("e@f"), SLICE("a@b"),
                                   SLICE("Work"),       SLICE("c@d"), 3};

    return accountd_acl_encode(out, ACCOUNTD_ACL, &r);
}

static int
decode_acl(struct slice p)
{
    struct accountd_acl r;

    return accountd_acl_decode(p, &r);
}

static int
encode_acl_reply(struct strbuf *out)
{
    const struct accountd_acl_entry list[] = {{SLICE("c@d"), 3}, {SLICE("anyone"), 1}};
    const struct accountd_acl_reply r = {0, SLICE(""), list, 2};

    return accountd_acl_reply_encode(out, ACCOUNTD_ACL_REPLY, 9, &r);
}

static int
decode_acl_reply(struct slice p)
{
    static struct accountd_acl_entry list[ACCOUNTD_ACL_MAX];
    struct accountd_acl_reply r;

    return accountd_acl_reply_decode(p, &r, list);
}

static int
encode_quota(struct strbuf *out)
{
    const struct accountd_quota r = {true, INT64_MAX, 8, SLICE("a@b"), SLICE("~c@d")};

    return accountd_quota_encode(out, ACCOUNTD_QUOTA, &r);
}

static int
decode_quota(struct slice p)
{
    struct accountd_quota r;

    return accountd_quota_decode(p, &r) == 0 && r.set && r.bytes == INT64_MAX && r.messages == 8 &&
                   slice_eq(r.root, SLICE("~c@d"))
               ? 0
               : -1;
}

static int
encode_quota_reply(struct strbuf *out)
{
    const struct accountd_quota_reply r = {ACCOUNTD_QUOTA_AWAY, 1, 2, 3, 4};

    return accountd_quota_reply_encode(out, ACCOUNTD_QUOTA_REPLY, 9, &r);
}

static int
decode_quota_reply(struct slice p)
{
    struct accountd_quota_reply r;

    return accountd_quota_reply_decode(p, &r) == 0 && r.quota_messages == 4 ? 0 : -1;
}

static int
encode_watch(struct strbuf *out)
{
    return accountd_watch_encode(out, UINT64_MAX);
}

static int
decode_watch(struct slice p)
{
    uint64_t known;

    return accountd_watch_decode(p, &known) == 0 && known == UINT64_MAX ? 0 : -1;
}

static int
encode_changed(struct strbuf *out)
{
    struct slice users[] = {SLICE("a@b"), SLICE("@c")};
    const struct accountd_changed c = {7, true, false, users, 2};

    return accountd_changed_encode(out, 9, &c);
}

static int
decode_changed(struct slice p)
{
    struct slice users[ACCOUNTD_CHANGED_MAX];
    struct accountd_changed c;

    if (accountd_changed_decode(p, &c, users) < 0)
        return -1;
    return c.number == 7 && c.folders && !c.everybody && c.user_count == 2 &&
                   slice_eq(c.users[1], SLICE("@c"))
               ? 0
               : -1;
}

static int
encode_auto_reply(struct strbuf *out)
{
    const struct accountd_auto_reply q = {SLICE("a@b"), SLICE("c@d\ne@f\n")};

    return accountd_auto_reply_encode(out, &q);
}

static int
decode_auto_reply(struct slice payload)
{
    struct accountd_auto_reply q;

    return accountd_auto_reply_decode(payload, &q);
}

static int
encode_auto_reply_reply(struct strbuf *out)
{
    const struct accountd_auto_reply_reply r = {true, SLICE("A B"), SLICE("away"),
                                                SLICE("2027-01-01")};

    return accountd_auto_reply_reply_encode(out, 9, &r);
}

static int
decode_auto_reply_reply(struct slice payload)
{
    struct accountd_auto_reply_reply r;

    return accountd_auto_reply_reply_decode(payload, &r);
}

static int
encode_spend(struct strbuf *out)
{
    return accountd_spend_encode(out, &(struct accountd_spend){SLICE("a@b"), 1, 2, 3, SLICE("s")});
}

static int
decode_spend(struct slice p)
{
    struct accountd_spend s;

    if (accountd_spend_decode(p, &s) < 0)
        return -1;
    return slice_eq(s.auth_user, SLICE("a@b")) && s.local_rcpts == 1 && s.remote_rcpts == 2 &&
                   s.bytes == 3
               ? 0
               : -1;
}

static int
encode_unspend(struct strbuf *out)
{
    return accountd_unspend_encode(out, &(struct accountd_spend){SLICE("a@b"), 1, 2, 3, SLICE("s")},
                                   true);
}

static int
decode_unspend(struct slice p)
{
    struct accountd_spend s;
    bool held;

    if (accountd_unspend_decode(p, &s, &held) < 0)
        return -1;
    return slice_eq(s.subject, SLICE("s")) && s.bytes == 3 && held ? 0 : -1;
}

static const struct {
    uint16_t type;
    int (*encode)(struct strbuf *out);
    int (*decode)(struct slice payload);
} messages[] = {
    {ACCOUNTD_RCPT, encode_rcpt, decode_rcpt},
    {ACCOUNTD_RCPT_REPLY, encode_rcpt_reply, decode_rcpt_reply},
    {ACCOUNTD_SPEND, encode_spend, decode_spend},
    {ACCOUNTD_UNSPEND, encode_unspend, decode_unspend},
    {ACCOUNTD_EXPAND, encode_expand, decode_expand},
    {ACCOUNTD_EXPAND_REPLY, encode_expand_reply, decode_expand_reply},
    {ACCOUNTD_LOGIN, encode_login, decode_login},
    {ACCOUNTD_LOGIN_REPLY, encode_login_reply, decode_login_reply},
    {ACCOUNTD_REHASH, encode_rehash, decode_rehash},
    {ACCOUNTD_USAGE, encode_usage, decode_usage},
    {ACCOUNTD_MISSING, encode_missing, decode_missing},
    {ACCOUNTD_FOLDERS, encode_folders, decode_folders},
    {ACCOUNTD_FOLDERS_REPLY, encode_folders_reply, decode_folders_reply},
    {ACCOUNTD_WATCH, encode_watch, decode_watch},
    {ACCOUNTD_CHANGED, encode_changed, decode_changed},
    {ACCOUNTD_QUOTA, encode_quota, decode_quota},
    {ACCOUNTD_QUOTA_REPLY, encode_quota_reply, decode_quota_reply},
    {ACCOUNTD_ACL, encode_acl, decode_acl},
    {ACCOUNTD_ACL_REPLY, encode_acl_reply, decode_acl_reply},
    {ACCOUNTD_AUTO_REPLY, encode_auto_reply, decode_auto_reply},
    {ACCOUNTD_AUTO_REPLY_REPLY, encode_auto_reply_reply, decode_auto_reply_reply},
    {ACCOUNTD_SENDER, encode_sender, decode_sender},
    {ACCOUNTD_ADMIN, encode_admin, decode_admin},
    {ACCOUNTD_ADMIN_REPLY, encode_admin_reply, decode_admin_reply},
};

START_TEST(whole_frames_decode_and_torn_ones_do_not)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    struct frame_header header;
    char *torn;

    ck_assert_int_eq(messages[_i].encode(&frame), 0);
    ck_assert_int_eq(frame_header_decode(frame.ptr, ACCOUNTD_PAYLOAD_MAX, &header), 0);
    ck_assert_uint_eq(header.type, messages[_i].type);
    ck_assert_uint_eq(header.length, frame.len - FRAME_HEADER);
    ck_assert_int_eq(messages[_i].decode(payload(&frame)), 0);
    for (size_t len = 0; len < frame.len - FRAME_HEADER; len++) {
        torn = malloc(len + 1); /* its own memory: a read past the end shows */
        ck_assert_ptr_nonnull(torn);
        memcpy(torn, frame.ptr + FRAME_HEADER, len);
        ck_assert_int_eq(messages[_i].decode(slice_make(torn, len)), -1);
        free(torn);
    }
    ck_assert(strbuf_char(&frame, 'x'));
    ck_assert_int_eq(messages[_i].decode(payload(&frame)), -1);
    strbuf_free(&frame);
}
END_TEST

START_TEST(fields_keep_their_values)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    struct accountd_rcpt rcpt;
    struct accountd_login_reply login;
    size_t sum = 0;

    ck_assert_int_eq(encode_rcpt(&frame), 0);
    ck_assert_int_eq(accountd_rcpt_decode(payload(&frame), &rcpt), 0);
    ck_assert(slice_eq(rcpt.sender, SLICE("c@d")));
    ck_assert_uint_eq(rcpt.size, 77);
    strbuf_clear(&frame);
    ck_assert_int_eq(encode_login_reply(&frame), 0);
    ck_assert_int_eq(accountd_login_reply_decode(payload(&frame), &login), 0);
    ck_assert(slice_eq(login.password, SLICE("{PLAIN}x")));
    strbuf_clear(&frame);
    ck_assert_int_eq(encode_expand_reply(&frame), 0);
    ck_assert_int_eq(accountd_expand_reply_decode(payload(&frame), take_target, &sum), 0);
    ck_assert_uint_eq(sum, strlen("a@b") + strlen("b/00/a") + strlen("c@d"));
    strbuf_free(&frame);
}
END_TEST

START_TEST(limits_hold)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    struct accountd_rcpt_reply reply = {.verdict = 4};
    struct accountd_recipient *list = calloc(ACCOUNTD_BATCH_MAX + 1, sizeof(*list));
    char *long_address = calloc(1, ACCOUNTD_ADDRESS_MAX + 1);

    ck_assert(list != NULL && long_address != NULL);
    ck_assert_int_eq(accountd_rcpt_reply_encode(&frame, 1, &reply), 0);
    ck_assert_int_eq(decode_rcpt_reply(payload(&frame)), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(accountd_expand_encode(&frame, list, ACCOUNTD_BATCH_MAX), 0);
    ck_assert_int_eq(decode_expand(payload(&frame)), 0);
    strbuf_clear(&frame);
    ck_assert_int_eq(accountd_expand_encode(&frame, list, ACCOUNTD_BATCH_MAX + 1), 0);
    ck_assert_int_eq(decode_expand(payload(&frame)), -1);
    strbuf_clear(&frame);
    list[0].address = slice_make(long_address, ACCOUNTD_ADDRESS_MAX + 1);
    ck_assert_int_eq(accountd_expand_encode(&frame, list, 1), 0);
    ck_assert_int_eq(decode_expand(payload(&frame)), -1);
    strbuf_free(&frame);
    free(list);
    free(long_address);
}
END_TEST

/* One that is too large is no reason to lose the one behind it. */
START_TEST(an_object_beyond_the_limits_can_be_left_out)
{
    struct strbuf data = strbuf_new(FRAME_MAX);
    char *value = calloc(1, OBJECT_VALUE_MAX + 1);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice rest;

    ck_assert(value != NULL);
    object_add(&data,
               (const struct object_field[]){{SLICE("name"), SLICE("a")},
                                             {SLICE("x"), {value, OBJECT_VALUE_MAX + 1}}},
               2);
    object_add(&data, (const struct object_field[]){{SLICE("name"), SLICE("b")}}, 1);
    ck_assert(!data.overflow);
    rest = strbuf_slice(&data);
    ck_assert_int_eq(object_next(&rest, fields), -1);
    ck_assert_int_eq(object_skip(&rest), 0);
    ck_assert_int_eq(object_next(&rest, fields), 1);
    ck_assert(slice_eq(fields[0].value, SLICE("b")));
    ck_assert_int_eq(object_next(&rest, fields), 0);
    for (size_t len = 1; len < OBJECT_VALUE_MAX; len += 97) {
        rest = slice_sub(strbuf_slice(&data), 0, len);
        ck_assert_int_eq(object_skip(&rest), -1);
        ck_assert_uint_eq(rest.len, len);
    }
    strbuf_free(&data);
    free(value);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("accountd_ipc");
    TCase *tc = tcase_create("accountd_ipc");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, whole_frames_decode_and_torn_ones_do_not, 0, (int)ARRAY_LEN(messages));
    tcase_add_test(tc, fields_keep_their_values);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, an_object_beyond_the_limits_can_be_left_out);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
