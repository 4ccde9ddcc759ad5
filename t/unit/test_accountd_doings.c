/*
 * t/unit/test_accountd_doings.c - what users did, as reported to accountd and to its recorder, and
 * a session's report of removals: whole frames decode, torn and false ones do not.
 */
// LINK: accountd/recorder_message.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/recorder_message.h"
#include "lib/ipc/accountd_doings.h"
#include "lib/ipc/authd.h"

enum { FRAME_MAX = 100000 };

static struct slice
payload(const struct strbuf *frame)
{
    return slice_sub(strbuf_slice(frame), FRAME_HEADER, frame->len);
}

static int
encode_visits(struct strbuf *out)
{
    const struct accountd_visit visit = {.user = SLICE("a@b"),
                                         .service = SLICE("imap"),
                                         .client_ip = SLICE("192.0.2.7"),
                                         .location = SLICE("CN/Hubei"),
                                         .result = SLICE("wrong password"),
                                         .time_ms = 1000};
    struct writer w = accountd_visits_begin(out);

    accountd_visits_add(&w, &visit);
    accountd_visits_add_removal(&w, &(struct accountd_removal){.user = SLICE("a@b"),
                                                               .service = SLICE("imap"),
                                                               .client_ip = SLICE("192.0.2.7"),
                                                               .folder = SLICE("Old Mail"),
                                                               .messages = 3,
                                                               .bytes = 700});
    return accountd_visits_end(&w);
}

static int
take_visit(void *arg, const struct accountd_visit *visit)
{
    ++*(unsigned *)arg;
    return slice_eq(visit->result, SLICE("wrong password")) && !visit->good ? 0 : -1;
}

static int
take_removal(void *arg, const struct accountd_removal *removal)
{
    ++*(unsigned *)arg;
    return removal->messages == 3 && slice_eq(removal->folder, SLICE("Old Mail")) ? 0 : -1;
}

static int
decode_visits(struct slice p)
{
    unsigned count = 0;
    const struct accountd_visits_taker taker = {take_visit, take_removal, &count};

    return accountd_visits_decode(p, &taker) < 0 || count != 2 ? -1 : 0;
}

static int
encode_sent(struct strbuf *out)
{
    const struct accountd_sent sent = {.auth_user = SLICE("a@b"),
                                       .client_ip = SLICE("192.0.2.7"),
                                       .recipients = SLICE("c@d,e@f"),
                                       .local_rcpts = 1,
                                       .remote_rcpts = 1,
                                       .bytes = 77,
                                       .result = SLICE("accepted"),
                                       .accepted = true,
                                       .time_ms = 1000};

    return accountd_sent_encode(out, &sent);
}

static int
decode_sent(struct slice p)
{
    struct accountd_sent sent;

    return accountd_sent_decode(p, &sent) < 0 || !sent.accepted || sent.bytes != 77 ? -1 : 0;
}

static int
encode_removed(struct strbuf *out)
{
    return authd_removed_encode(
        out, &(struct authd_removed){.folder = SLICE("Old Mail"), .messages = 3, .bytes = 700});
}

static int
decode_removed(struct slice p)
{
    struct authd_removed removed;

    return authd_removed_decode(p, &removed) < 0 || removed.messages != 3 ? -1 : 0;
}

static int
encode_note(struct strbuf *out)
{
    const uint64_t figures[BOOK_FIGURES] = {[BOOK_SMTP_LOGINS] = 7};
    const struct recorder_note note = {.path = "d.test/3f/ann",
                                       .kind = BOOK_LOGIN,
                                       .listed = true,
                                       .entry = {.time_ms = 1000, .result = SLICE("smtp ok")},
                                       .figures = figures};

    return recorder_note_encode(out, &note);
}

static int
decode_note(struct slice p)
{
    char path[RECORDER_PATH_MAX + 1];
    uint64_t figures[BOOK_FIGURES];
    struct recorder_note note;

    if (recorder_note_decode(p, &note, path, figures) < 0)
        return -1;
    return strcmp(path, "d.test/3f/ann") == 0 && note.kind == BOOK_LOGIN &&
                   figures[BOOK_SMTP_LOGINS] == 7
               ? 0
               : -1;
}

static int
encode_moved(struct strbuf *out)
{
    return recorder_moved_encode(out, SLICE("d.test/3f/ann"), SLICE("d.test/00/bob"));
}

static int
decode_moved(struct slice p)
{
    char path[RECORDER_PATH_MAX + 1], new_path[RECORDER_PATH_MAX + 1];

    return recorder_moved_decode(p, path, new_path) < 0 || strcmp(new_path, "d.test/00/bob") != 0
               ? -1
               : 0;
}

static int
encode_question(struct strbuf *out)
{
    const struct recorder_question q = {
        .path = "d.test", .period = {.first_day = 5, .last_day = 11}, .cursor = SLICE("3f/ann")};

    return recorder_question_encode(out, RECORDER_SUMS, 9, &q);
}

static int
decode_question(struct slice p)
{
    struct recorder_question q;

    return recorder_question_decode(p, &q) < 0 || q.period.last_day != 11 ? -1 : 0;
}

static int
encode_answer(struct strbuf *out)
{
    return recorder_answer_encode(out, 9, SLICE("data"), SLICE("3f/ann"));
}

static int
decode_answer(struct slice p)
{
    struct slice data, cursor;

    return recorder_answer_decode(p, &data, &cursor) < 0 || !slice_eq(data, SLICE("data")) ? -1 : 0;
}

static const struct {
    uint16_t type;
    int (*encode)(struct strbuf *out);
    int (*decode)(struct slice payload);
} messages[] = {
    {ACCOUNTD_VISITS, encode_visits, decode_visits},
    {ACCOUNTD_SENT, encode_sent, decode_sent},
    {AUTHD_REMOVED, encode_removed, decode_removed},
    {RECORDER_NOTE, encode_note, decode_note},
    {RECORDER_MOVED, encode_moved, decode_moved},
    {RECORDER_SUMS, encode_question, decode_question},
    {RECORDER_ANSWER, encode_answer, decode_answer},
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

/* A period that no book has is refused, and so is a report with control characters in it. */
START_TEST(what_cannot_be_is_refused)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    const struct recorder_question q = {.path = "d.test",
                                        .period = {.first_day = 5, .last_day = 5 + BOOK_DAYS}};
    const struct accountd_sent sent = {.client_ip = SLICE("192.0.2.7"), .result = SLICE("a\nb")};

    ck_assert_int_eq(recorder_question_encode(&frame, RECORDER_SUMS, 9, &q), 0);
    ck_assert_int_eq(decode_question(payload(&frame)), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(accountd_sent_encode(&frame, &sent), 0);
    ck_assert_int_eq(accountd_sent_decode(payload(&frame), &(struct accountd_sent){0}), -1);
    strbuf_clear(&frame);
    ck_assert_int_eq(authd_removed_encode(&frame, &(struct authd_removed){SLICE("a\nb"), 1, 1}), 0);
    ck_assert_int_eq(decode_removed(payload(&frame)), -1);
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("accountd_doings");
    TCase *tc = tcase_create("accountd_doings");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, whole_frames_decode_and_torn_ones_do_not, 0, (int)ARRAY_LEN(messages));
    tcase_add_test(tc, what_cannot_be_is_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
