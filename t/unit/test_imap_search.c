/*
 * t/unit/test_imap_search.c - imapd/search_eval on a mailbox of three messages that lives here.
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
// LINK: imapd/saved_result.c
// LINK: imapd/search_args.c
// LINK: imapd/search_eval.c
// LINK: imapd/sort_data.c
// LINK: imapd/thread_id.c
// LINK: imapd/search_fuzzy.c
// LINK: imapd/search_header.c
// LINK: imapd/message.c
// LINK: imapd/fulltext.c
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imapd/search_eval.h"
#include "lib/base/io.h"

enum { COUNT = 3 };

static const char *const texts[COUNT] = {
    "From: Alice <a@d.test>\r\nSubject: plain\r\nDate: Fri, 21 Nov 1997 23:55:06 "
    "-0600\r\n\r\nfirst body\r\n",
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: 1 Jan 24 00:30 +0500\r\n\r\nsecond body\r\n",
    "Subject: no date\r\nX-Empty:\r\n\r\nthird",
};

/* 1994-02-01 12:00, 1970-01-01 00:00, a day before the epoch */
static struct message messages[COUNT] = {
    {.uid = 5, .modseq = 3, .flags = MESSAGE_SEEN, .keywords = 2, .internal_ms = 760104000000},
    {.uid = 7, .modseq = 5, .flags = MESSAGE_FLAGGED | MESSAGE_RECENT, .internal_ms = 0},
    {.uid = 1000, .modseq = 8, .flags = MESSAGE_DELETED | MESSAGE_SEEN, .internal_ms = -1},
};
static unsigned opened;

/* ---- the store's part, instead of lib/store ---- */

uint32_t
mailbox_count(const struct mailbox *mb)
{
    (void)mb;
    return COUNT;
}

const struct message *
mailbox_message(const struct mailbox *mb, uint32_t seq)
{
    (void)mb;
    ck_assert(seq >= 1 && seq <= COUNT);
    messages[seq - 1].size = strlen(texts[seq - 1]);
    return &messages[seq - 1];
}

uint32_t
mailbox_seq_at_or_above(const struct mailbox *mb, uint32_t uid)
{
    uint32_t seq = 1;

    (void)mb;
    while (seq <= COUNT && messages[seq - 1].uid < uid)
        seq++;
    return seq;
}

/* Saved on 1 February 1994; the last one is gone. */
int
mailbox_message_facts(struct mailbox *mb, uint32_t seq, struct message_facts *out)
{
    (void)mb;
    *out = (struct message_facts){.saved_ms = 760104000000};
    (void)snprintf(out->email_id, sizeof(out->email_id), "M%u", seq);
    return seq < COUNT ? 0 : -1;
}

int
mailbox_keyword_bit(struct mailbox *mb, struct slice name, bool make)
{
    (void)mb;
    ck_assert(!make);
    return slice_eq_nocase(name, SLICE("$junk")) ? 1 : -1;
}

int
mailbox_dirfd(const struct mailbox *mb)
{
    (void)mb;
    return -1;
}

void
mailbox_get_info(const struct mailbox *mb, struct mailbox_info *info)
{
    (void)mb;
    *info = (struct mailbox_info){.uidvalidity = 1};
}

int
mailbox_open_message(struct mailbox *mb, uint32_t seq)
{
    int fd = memfd_create("message", MFD_CLOEXEC);

    (void)mb;
    opened++;
    ck_assert_int_eq(write_all(fd, slice_of(texts[seq - 1])), 0);
    return fd;
}

static struct {
    uint32_t uid;
    enum mailbox_cache_kind kind;
    struct strbuf value;
} cached[2 * COUNT];
static size_t cached_count;

bool
mailbox_cache_get(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind, struct slice *out)
{
    (void)mb;
    for (size_t i = 0; i < cached_count; i++) {
        if (cached[i].uid != uid || cached[i].kind != kind)
            continue;
        *out = strbuf_slice(&cached[i].value);
        return true;
    }
    return false;
}

void
mailbox_cache_put(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind,
                  struct slice value)
{
    (void)mb;
    ck_assert_uint_lt(cached_count, ARRAY_LEN(cached));
    cached[cached_count].uid = uid;
    cached[cached_count].kind = kind;
    cached[cached_count].value = strbuf_new(value.len);
    ck_assert(strbuf_append(&cached[cached_count++].value, value));
}

static void
forget_cached(void)
{
    while (cached_count > 0)
        strbuf_free(&cached[--cached_count].value);
}

/* ---- programs and the messages that match ---- */

static const struct {
    const char *keys;
    unsigned matches; /* bit 0: message 1 */
    unsigned opened;  /* files at most */
} programs[] = {
    {"ALL", 7, 0},
    {"SEEN", 5, 0},
    {"UNSEEN", 2, 0},
    {"NEW", 2, 0},
    {"OLD", 5, 0},
    {"DELETED SEEN", 4, 0},
    {"KEYWORD $Junk", 1, 0},
    {"UNKEYWORD $Junk", 6, 0},
    {"KEYWORD other", 0, 0},
    {"UNKEYWORD other", 7, 0},
    {"2:*", 6, 0},
    {"*", 4, 0},
    {"9", 0, 0},
    {"UID 6:8", 2, 0},
    {"UID 2000:*", 4, 0},
    {"UIDAFTER 5", 6, 0},
    {"UIDAFTER 6", 6, 0},
    {"UIDAFTER 1000", 0, 0},
    {"UIDAFTER 4294967295", 0, 0},
    {"UIDBEFORE 1000", 3, 0},
    {"UIDBEFORE 1", 0, 0},
    {"UIDAFTER $", 4, 0},
    {"UIDBEFORE $", 1, 0},
    {"$", 2, 0},
    {"UID $", 2, 0},
    {"NOT $", 5, 0},
    {"1,$", 3, 0},
    {"OR $ DELETED", 6, 0},
    {"ON 1-Feb-1994", 1, 0},
    {"BEFORE 1-Jan-1970", 4, 0},
    {"ON 31-Dec-1969", 4, 0},
    {"SINCE 1-Jan-1970", 3, 0},
    {"SENTON 21-Nov-1997", 1, 3},
    {"SENTON 1-Jan-2024", 2, 3},
    {"SENTBEFORE 1-Jan-2020", 1, 3},
    {"SENTSINCE 1-Jan-1990", 3, 3},
    {"NOT SENTSINCE 1-Jan-1990", 4, 3},
    {"LARGER 40", 3, 0},
    {"SMALLER 40", 4, 0},
    {"SMALLER 9223372036854775807", 7, 0},
    {"MODSEQ 5", 6, 0},
    {"MODSEQ \"/flags/\\\\seen\" all 9", 0, 0},
    {"NOT MODSEQ 8", 3, 0},
    {"EMAILID M2", 2, 0},
    {"EMAILID m2", 0, 0},
    {"THREADID T2", 0, 3},
    {"SAVEDON 1-Feb-1994", 3, 0},
    {"SAVEDBEFORE 1-Feb-1994", 0, 0},
    {"SAVEDSINCE 1-Jan-1994", 3, 0},
    {"SAVEDATESUPPORTED", 7, 0},
    {"SUBJECT PLAIN", 1, 3},
    {"SUBJECT \"gr\xc3\x9c\xc3\x9f\"", 2, 3},
    {"HEADER X-Empty \"\"", 4, 3},
    {"FROM alice", 1, 3},
    {"BODY body", 3, 3},
    {"TEXT \"no date\"", 4, 3},
    {"TEXT \"\"", 7, 3},
    {"OR SUBJECT plain 3", 5, 3},
    {"NOT (SEEN NOT DELETED)", 6, 0},
    {"(1:2 (OR FLAGGED ANSWERED))", 2, 0},
    {"FROM \"alice <a@d\"", 1, 3},
    /* what is cheap decides first: the text of one message is enough */
    {"BODY body UID 5", 1, 1},
    {"NOT BODY zzz UID 5", 1, 1},
};

static unsigned
run(const struct search_key *root)
{
    struct message_data data = {.uid = 0};
    unsigned matches = 0;

    opened = 0;
    for (uint32_t seq = 1; seq <= COUNT; seq++)
        if (search_eval_match(root, NULL, seq, &data))
            matches |= 1u << (seq - 1);
    message_release(&data);
    return matches;
}

START_TEST(programs_match)
{
    struct arena arena = {NULL};
    struct strbuf text = strbuf_new(1000);
    struct search_args args;
    struct parser p;
    unsigned matches;
    struct seqrange range = {6, 500}; /* from messages that are gone to another */
    struct saved_result saved = {&range, 1};

    ck_assert(strbuf_printf(&text, " %s", programs[_i].keys));
    p = parser_begin(strbuf_slice(&text), &arena);
    ck_assert_msg(search_args_parse(&p, &args), "%s: %s", programs[_i].keys, p.error);
    search_eval_prepare(args.root, NULL, &saved, &arena);
    matches = run(args.root);
    ck_assert_msg(matches == programs[_i].matches, "%s: %u", programs[_i].keys, matches);
    ck_assert_msg(opened <= programs[_i].opened, "%s opened %u", programs[_i].keys, opened);
    /* once more: what is in headers is remembered now */
    ck_assert_uint_eq(run(args.root), matches);
    if (strstr(programs[_i].keys, "BODY") == NULL && strstr(programs[_i].keys, "TEXT") == NULL)
        ck_assert_msg(opened == 0, "%s opened %u again", programs[_i].keys, opened);
    forget_cached();
    strbuf_free(&text);
    arena_free(&arena);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_search");
    TCase *tc = tcase_create("imap_search");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, programs_match, 0, (int)ARRAY_LEN(programs));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
