/*
 * t/unit/test_imap_session.c - imapd's commands on a real store, without sandbox and network: what
 * the end-to-end tests do, where the sanitizers can see it.
 */
// LINK: imapd/acl.c
// LINK: imapd/any.c
// LINK: imapd/append.c
// LINK: imapd/append_args.c
// LINK: imapd/append_job.c
// LINK: imapd/append_sink.c
// LINK: imapd/append_text.c
// LINK: imapd/append_url.c
// LINK: imapd/arrivals.c
// LINK: imapd/capability.c
// LINK: imapd/command.c
// LINK: imapd/compress.c
// LINK: imapd/condstore.c
// LINK: imapd/copy.c
// LINK: imapd/copy_across.c
// LINK: imapd/expunge.c
// LINK: imapd/fetch.c
// LINK: imapd/fetch_args.c
// LINK: imapd/fetch_binary.c
// LINK: imapd/fetch_section.c
// LINK: imapd/fetch_send.c
// LINK: imapd/filters.c
// LINK: imapd/flag_list.c
// LINK: imapd/flags.c
// LINK: imapd/folder.c
// LINK: imapd/folder_set.c
// LINK: imapd/fulltext.c
// LINK: imapd/idle.c
// LINK: imapd/input.c
// LINK: imapd/language.c
// LINK: imapd/list.c
// LINK: imapd/list_args.c
// LINK: imapd/login.c
// LINK: imapd/mailbox_filter.c
// LINK: imapd/mailbox_name.c
// LINK: imapd/message.c
// LINK: imapd/message_limit.c
// LINK: imapd/metadata.c
// LINK: imapd/metadata_args.c
// LINK: imapd/metadata_news.c
// LINK: imapd/metadata_place.c
// LINK: imapd/multisearch.c
// LINK: imapd/multisearch_args.c
// LINK: imapd/notify.c
// LINK: imapd/notify_args.c
// LINK: imapd/notify_folders.c
// LINK: imapd/notify_names.c
// LINK: imapd/parser.c
// LINK: imapd/progress.c
// LINK: imapd/places.c
// LINK: imapd/qresync.c
// LINK: imapd/partial_range.c
// LINK: imapd/replace.c
// LINK: imapd/reply.c
// LINK: imapd/room.c
// LINK: imapd/saved_result.c
// LINK: imapd/search.c
// LINK: imapd/search_args.c
// LINK: imapd/search_context.c
// LINK: imapd/search_eval.c
// LINK: imapd/search_fuzzy.c
// LINK: imapd/search_header.c
// LINK: imapd/quota.c
// LINK: imapd/search_return.c
// LINK: imapd/search_run.c
// LINK: imapd/select.c
// LINK: imapd/select_args.c
// LINK: imapd/shared_folder.c
// LINK: imapd/selection.c
// LINK: imapd/seqset.c
// LINK: imapd/server.c
// LINK: imapd/session.c
// LINK: imapd/sort.c
// LINK: imapd/sort_data.c
// LINK: imapd/sort_order.c
// LINK: imapd/special_use.c
// LINK: imapd/status.c
// LINK: imapd/status_items.c
// LINK: imapd/store.c
// LINK: imapd/thread.c
// LINK: imapd/thread_id.c
// LINK: imapd/thread_links.c
// LINK: imapd/thread_subject.c
// LINK: imapd/thread_tree.c
// LINK: imapd/uid_batches.c
// LINK: imapd/unauthenticate.c
// LINK: imapd/updates.c
// LINK: imapd/url_news.c
// LINK: imapd/urlauth.c
// LINK: imapd/urlfetch.c
// LINK: imapd/wait.c
// LINK: imapd/work.c
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/session.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"

#define MESSAGE                                                                                    \
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: \"A \\\"B\\\"\" <a@b>\r\n"                      \
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"                   \
    "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntwo\r\n--b--\r\n"

static _Atomic uint64_t counter;
static char directory[] = "/tmp/posthorn-imap-XXXXXX";
static int dirfd_of_mail = -1;

static void
make_store(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    dirfd_of_mail = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dirfd_of_mail, 0);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
remove_store(void)
{
    (void)close(dirfd_of_mail);
    (void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
}

/* Runs a whole conversation whose commands are all there from the start; returns what came back. */
static char *
converse(const char *commands, bool may_remove)
{
    static const struct server server = {
        .settings = {.banner = "test",
                     .command_max = 65536,
                     .append_max = 100000,
                     .errors_max = 1000,
                     .notify_max = 100,
                     .login_timeout_ms = 5000,
                     .autologout_ms = 5000,
                     .transfer_timeout_ms = 5000},
        .counters = {&counter, &counter, &counter, &counter, &counter, &counter},
    };
    struct pool_session pool = {
        .label = "imap", .client_ip = "127.0.0.1", .end_fd = -1, .key_fd = -1};
    struct session s = {
        .pool = &pool,
        .server = &server,
        .state = STATE_AUTHENTICATED,
        .user = "a@b",
        .mail_dirfd = dup(dirfd_of_mail),
        .successor_fd = -1,
        .store_options = {.may_remove = may_remove},
        .command = strbuf_new(0),
        .out = strbuf_new(1 << 20),
        .code = strbuf_new(1 << 16),
    };
    struct strbuf all = strbuf_new(4 << 20);
    int ends[2], size = 4 << 20;
    ssize_t n = 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    ck_assert_int_eq(write_all(ends[1], slice_of(commands)), 0);
    (void)shutdown(ends[1], SHUT_WR);
    s.stream = stream_new(ends[0], 16384);
    session_run(&s);
    session_end(&s);
    while (n > 0) {
        char *room = strbuf_room(&all, 65536);

        n = read(ends[1], room, 65536);
        if (n > 0)
            strbuf_grew(&all, (size_t)n);
    }
    (void)close(ends[1]);
    return strbuf_steal(&all);
}

/* Each conversation follows the ones before it on the same store. */
static const struct {
    const char *commands;
    const char *expect[12]; /* parts of the answer, in this order */
} conversations[] = {
    {"a CREATE x/y\r\nb CREATE \"Entw&APw-rfe\"\r\nc LIST \"\" *\r\nd CREATE ../z\r\ne CREATE "
     "INBOX\r\n",
     {"a OK", "b OK", "\"/\" Entw&APw-rfe\r\n", "\"/\" x\r\n", "\"/\" x/y\r\n", "c OK",
      "d NO [CANNOT]", "e NO [ALREADYEXISTS]"}},
    {"a APPEND x/y (\\Seen kw) \"17-Jul-1996 02:44:25 -0700\" {8+}\r\nA: b\r\n\r\n\r\n"
     "b APPEND nowhere {3+}\r\nabc\r\nc APPEND x {0+}\r\n\r\nd APPEND x {200000+}\r\n",
     {"a OK [APPENDUID ", "b NO [TRYCREATE]", "c NO [CANNOT]"}},
    {"a SELECT x/y\r\nb FETCH 1 FULL\r\nc UID FETCH 1:* (BODYSTRUCTURE BODY[] BODY[TEXT]<0.1>)\r\n"
     "d FETCH 1 BODY[1.2.3.MIME]\r\ne FETCH 2 UID\r\nf FETCH 1 NONSENSE\r\n",
     {"FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)", "a OK [READ-WRITE]",
      "FLAGS (\\Seen kw \\Recent) INTERNALDATE \"17-Jul-1996 09:44:25 +0000\" RFC822.SIZE 8 "
      "ENVELOPE",
      "b OK", "BODY[] {8}\r\nA: b\r\n\r\n BODY[TEXT]<0> {0}\r\n)", "c OK", "BODY[1.2.3.MIME] NIL",
      "e BAD", "f BAD"}},
    {"a APPEND INBOX {185+}\r\n" MESSAGE
     "\r\nb SELECT INBOX\r\nc FETCH 1 (ENVELOPE BODYSTRUCTURE)\r\n"
     "d FETCH 1 (BODY.PEEK[2.HEADER] BODY.PEEK[2.1] BODY.PEEK[HEADER.FIELDS (from)])\r\n"
     "e SEARCH SUBJECT {7+}\r\nGR\xc3\x9c\xc3\x9f"
     "e TEXT inner OR SEEN 1 NOT BODY zzz\r\n"
     "f SEARCH CHARSET x ALL\r\n",
     {"a OK", "b OK", "\"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" ((\"A \\\"B\\\"\" NIL \"a\" \"b\"))",
      "\"message\" \"rfc822\"", "c OK",
      "BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n BODY[2.1] {3}\r\ntwo", "d OK",
      "* SEARCH 1\r\n", "e OK", "f NO [BADCHARSET (UTF-8"}},
    {"a SELECT INBOX\r\nb STORE 1 +FLAGS (\\Flagged new)\r\nc STORE 1 -FLAGS.SILENT new\r\n"
     "d STORE 1 FLAGS (\\Recent)\r\ne COPY 1 x\r\nf COPY 1 nowhere\r\ng UID MOVE 1:* Trash\r\nh "
     "NOOP\r\n",
     {"a OK", "FLAGS (\\Flagged new", "b OK", "c OK", "d BAD", "e OK [COPYUID ", "f NO [TRYCREATE]",
      "* OK [COPYUID ", "* 1 EXPUNGE\r\n", "g OK", "h OK"}},
    {"a SELECT Trash\r\nb STORE 1:* +FLAGS.SILENT (\\Deleted)\r\nc EXPUNGE\r\nd UID EXPUNGE 1:*\r\n"
     "e CLOSE\r\nf EXAMINE x\r\ng STORE 1 FLAGS ()\r\nh UNSELECT\r\ni FETCH 1 UID\r\n",
     {"a OK", "b OK", "* 1 EXPUNGE\r\nc OK", "d OK", "e OK", "f OK [READ-ONLY]", "g NO [NOPERM]",
      "h OK", "i BAD"}},
    {"a SUBSCRIBE far/away\r\nb LSUB \"\" %\r\nc LIST (SUBSCRIBED RECURSIVEMATCH) \"\" far RETURN "
     "(STATUS "
     "(MESSAGES))\r\nd UNSUBSCRIBE far/away\r\ne STATUS x (MESSAGES UNSEEN)\r\nf LIST \"\" "
     "\"\"\r\n",
     {"a OK", "* LSUB (\\Noselect) \"/\" far\r\n", "b OK", "(\"CHILDINFO\" (\"SUBSCRIBED\"))",
      "c OK", "d OK", "* STATUS x (MESSAGES 1 UNSEEN 1)", "e OK",
      "* LIST (\\Noselect) \"/\" \"\""}},
    {"a RENAME x q/r\r\nb DELETE q\r\nc DELETE q/r/y\r\nd RENAME INBOX q/in\r\ne DELETE INBOX\r\n"
     "f IDLE\r\nDONE\r\ng ID (\"name\" \"t\")\r\nh ENABLE A B\r\ni NAMESPACE\r\nj CAPABILITY\r\n",
     {"a OK", "b OK", "c OK", "d OK", "e NO [CANNOT]", "+ idling", "f OK", "g OK",
      "* ENABLED\r\nh OK", "i OK", "j OK"}},
    /* a deleted folder is not selected any more, and nobody is sent away */
    {"a CREATE own\r\nb SELECT own\r\nc DELETE own\r\nd NOOP\r\ne FETCH 1 UID\r\nf SELECT own\r\n",
     {"a OK", "b OK", "c OK", "d OK", "e BAD", "f NO [NONEXISTENT]"}},
    /* new keywords are told ahead of the flags that hold them */
    {"a CREATE kw\r\nb APPEND kw \"01-Jan-1969 00:00:00 +0000\" {4+}\r\na: b\r\nc SELECT kw\r\n"
     "d STORE 1 +FLAGS (blue)\r\ne CHECK\r\nf FETCH 1 INTERNALDATE\r\ng UID STORE 99 +FLAGS "
     "never\r\n"
     "h FETCH 1 FLAGS\r\n",
     {"b OK", "c OK",
      "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft blue)\r\n* OK [PERMANENTFLAGS (",
      "blue \\*)] ", "* 1 FETCH (FLAGS (blue", "d OK", "e OK", "\"01-Jan-1969 00:00:00 +0000\"",
      "f OK", "g OK", "h OK"}},
    {"a CREATE d/e (USE (\\Archive))\r\nb SUBSCRIBE d/e\r\n"
     "c LIST (SUBSCRIBED SPECIAL-USE RECURSIVEMATCH) \"\" d\r\nd DELETE d/e\r\n",
     {"a OK", "b OK", "(\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\"))\r\n", "c OK", "d OK"}},
    /* one command, many ways for messages to come */
    {"a CREATE m\r\nb APPEND m {6+}\r\na: 1\r\n (\\Seen) {6+}\r\na: 2\r\n CATENATE (TEXT "
     "{8+}\r\na: 3\r\n\r\n "
     "URL {9+}\r\n/m/;UID=1 URL /INBOX/;UID=9)\r\nc APPEND m {6+}\r\na: 1\r\n (\\Seen) {6+}\r\na: "
     "2\r\n\r\n"
     "d APPEND m CATENATE (URL /m/;UID=1 URL "
     "\"/m/;UID=2/;SECTION=HEADER.FIELDS%20(A)/;PARTIAL=1.2\" TEXT {3+}\r\nxyz)\r\n"
     "e SELECT m\r\nf FETCH 3 BODY[]\r\ng UID REPLACE 1 m {3+}\r\nabc\r\nh REPLACE 9 m "
     "{3+}\r\nabc\r\n"
     "i FETCH * (BINARY[1] BINARY.SIZE[])\r\n",
     {"a OK", "b NO [BADURL /m/;UID=1]", "c OK [APPENDUID ", " 1:2] ", "d OK [APPENDUID ", "e OK",
      "BODY[] {11}\r\na: 1\r\n: xyz)", "f OK", "* OK [APPENDUID ", "* 1 EXPUNGE\r\n", "g OK",
      "h BAD"}},
    /* coming back after changes: RFC 7162 */
    {"a CREATE qr\r\nb APPEND qr {6+}\r\na: 1\r\n {6+}\r\na: 2\r\n {6+}\r\na: 3\r\n\r\n"
     "c ENABLE QRESYNC\r\nd SELECT qr\r\ne UID STORE 1:2 +FLAGS.SILENT (\\Deleted)\r\n"
     "f UID EXPUNGE 2\r\ng UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n"
     "h SELECT qr (QRESYNC (1 1))\r\ni STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)\r\n"
     "j SEARCH MODSEQ \"/flags/\\\\seen\" all 1\r\nk FETCH 1 (EMAILID THREADID SAVEDATE)\r\n",
     {"* ENABLED QRESYNC\r\n", "MODSEQ (", "* VANISHED 2\r\nf OK [HIGHESTMODSEQ ",
      "* VANISHED (EARLIER) 2\r\n", "* OK [CLOSED] ", "h OK", "i OK [MODIFIED 1]",
      "* SEARCH 1 2 (MODSEQ ", "EMAILID (M", "THREADID (T", ") SAVEDATE \"", "k OK"}},
    {"a ENABLE IMAP4rev2 UIDONLY\r\nb SELECT inbox\r\nc SELECT qr\r\nd FETCH 1 UID\r\n"
     "e UID FETCH 1:* (FLAGS) (PARTIAL -1:-1)\r\nf UID SEARCH 1\r\ng UIDBATCHES 500\r\n"
     "h UID STORE 1 +FLAGS.SILENT (\\Deleted)\r\ni CREATE \"\xc3\xa4\"\r\nj LIST \"\" \xc3\xa4\r\n"
     "k CREATE \"a\xcc\x88\"\r\nl EXPUNGE\r\n",
     {"* ENABLED UIDONLY IMAP4rev2\r\n", "\"/\" INBOX (\"OLDNAME\" (inbox))\r\n", "c OK",
      "d BAD [UIDREQUIRED] ", "* 3 UIDFETCH (FLAGS ())\r\n", "f BAD [UIDREQUIRED] ",
      "* UIDBATCHES (TAG \"g\") 3:1\r\n", "i OK [MAILBOXID (", "j BAD", "k NO [CANNOT]",
      "* VANISHED 1\r\n", "l OK"}},
    /* RFC 5465: what the session does itself is not told back */
    {"a SELECT INBOX\r\nb NOTIFY SET STATUS (selected (MessageNew (uid flags) MessageExpunge)) "
     "(personal (MessageNew MessageExpunge FlagChange MailboxName))\r\nc APPEND INBOX "
     "{6+}\r\na: 1\r\n\r\nd CREATE own/below\r\ne APPEND own {6+}\r\na: 1\r\n\r\n"
     "f SEARCH RETURN (UPDATE (UID)) ALL\r\ng RENAME own other\r\nh UNSELECT\r\n"
     "i NOTIFY SET (personal (FlagChange))\r\nj NOTIFY SET (personal (AnnotationChange "
     "MessageNew MessageExpunge))\r\nk NOTIFY NONE\r\nl DELETE other\r\n",
     {"* STATUS Trash (MESSAGES ", "b OK", "EXISTS\r\n", "c OK", "d OK", "e OK", "f OK", "g OK",
      "h OK", "i BAD", "j NO [BADEVENT (MessageNew ", "l OK"}},
    {"\r\na\r\nb FOO\r\nc LOGIN a b\r\nd SEARCH ALL\r\ne LIST {1000000+}\r\nf NOOP\r\ng "
     "LOGOUT\r\nh NOOP\r\n",
     {"* BAD", "a BAD", "b BAD", "c BAD", "d BAD"}},
};

static void
check_parts(const char *answer, const char *const *parts)
{
    const char *at = answer;

    for (size_t i = 0; i < 12 && parts[i] != NULL; i++) {
        const char *found = strstr(at, parts[i]);

        ck_assert_msg(found != NULL, "no \"%s\" in:\n%s", parts[i], answer);
        at = found + strlen(parts[i]);
    }
}

START_TEST(conversations_go_as_expected)
{
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++) {
        char *answer = converse(conversations[i].commands, true);

        check_parts(answer, conversations[i].expect);
        free(answer);
    }
}
END_TEST

START_TEST(who_may_not_remove_is_told_so)
{
    static const char *const expect[12] = {
        "a OK", "b OK", "c NO [NOPERM]", "d NO [NOPERM]", "e NO [NOPERM]", "f NO [NOPERM]", "g OK"};
    char *answer = converse("a APPEND INBOX {4+}\r\na: b\r\nb SELECT INBOX\r\n"
                            "c STORE 1 +FLAGS \\Deleted\r\nd EXPUNGE\r\ne MOVE 1 Sent\r\n"
                            "f DELETE Sent\r\ng CLOSE\r\n",
                            false);

    check_parts(answer, expect);
    free(answer);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_session");
    TCase *tc = tcase_create("imap_session");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, make_store, remove_store);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, conversations_go_as_expected);
    tcase_add_test(tc, who_may_not_remove_is_told_so);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
