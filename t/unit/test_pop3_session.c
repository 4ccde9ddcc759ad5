/*
 * t/unit/test_pop3_session.c - whole POP3 sessions against a store and an authd of the test's own.
 *
 * The session runs in a child on one end of a socket pair; the test sends all commands at once, as
 * a pipelining client may, and compares all replies.
 */
// LINK: pop3d/capability.c
// LINK: pop3d/command.c
// LINK: pop3d/login.c
// LINK: pop3d/maildrop.c
// LINK: pop3d/message_in.c
// LINK: pop3d/message_out.c
// LINK: pop3d/octets.c
// LINK: pop3d/session.c
// LINK: pop3d/transaction.c
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/authd_call.h"
#include "pop3d/session.h"

#define REPLIES_MAX 100000

/* ---- authd: alice with "secret"; rob's mailbox is read-only; SCRAM-like exchange "ECHO" ---- */

static void
answer(struct authd_result *result, struct slice user, bool right)
{
    *result = (struct authd_result){.step = AUTHD_STEP_FAIL, .dir_fd = -1};
    result->fail.failure = AUTHD_BAD_CREDENTIALS;
    if (!right)
        return;
    result->step = AUTHD_STEP_OK;
    result->dir_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    result->ok.user = user;
    result->ok.rights = ACCOUNTD_MAY_REMOVE_MAIL | ACCOUNTD_MAY_CHANGE_MAIL;
    if (slice_eq(user, SLICE("max")))
        result->ok.rights |= ACCOUNTD_POP3_DELAYED | ACCOUNTD_POP3_MARKS_SEEN;
    if (slice_eq(user, SLICE("rob")))
        result->ok.rights = ACCOUNTD_MAY_REMOVE_MAIL;
}

void
authd_call_login(struct ipc_client *auth, const struct authd_login *login,
                 struct authd_result *result)
{
    (void)auth;
    answer(result, login->name, slice_eq(login->password, SLICE("secret")));
}

void
authd_call_start(struct ipc_client *auth, const struct authd_start *start,
                 struct authd_result *result)
{
    if (start->has_initial) {
        authd_call_step(auth, start->initial, result);
        return;
    }
    *result = (struct authd_result){.step = AUTHD_STEP_CHALLENGE, .dir_fd = -1};
}

void
authd_call_step(struct ipc_client *auth, struct slice response, struct authd_result *result)
{
    (void)auth;
    answer(result, SLICE("alice"), slice_eq(response, SLICE("secret")));
    if (result->step == AUTHD_STEP_OK)
        result->challenge = SLICE("v=final");
}

void
authd_call_cancel(struct ipc_client *auth)
{
    (void)auth;
}

const char *
mechanisms_offered(const struct mechanisms *m, bool tls, bool binding, bool plain_allowed)
{
    (void)m, (void)tls, (void)binding;
    return plain_allowed ? "PLAIN ECHO" : "ECHO";
}

bool
mechanisms_login_allowed(const struct mechanisms *m, bool tls, bool plain_allowed)
{
    (void)m, (void)tls;
    return plain_allowed;
}

static int removed_fd; /* the UIDs that were removed and how many authd was told of, for the test */

void
authd_tell_removed(struct ipc_client *auth, const struct authd_removed *removed)
{
    (void)auth;
    if (removed->messages > 0)
        (void)write_all(removed_fd, slice_make(&removed->messages, sizeof(uint32_t)));
}

/* ---- the store: three messages ---- */

static const char *const files[] = {
    "Subject: one\r\n\r\n.dot\r\nsecond line\r\n",
    "Subject: two\r\n\r\nno end",
    "Subject: j\xc3\xbcrgen\r\n\r\nx\r\n",
};
static struct message messages[ARRAY_LEN(files)];
static bool read_only, cannot_remove, cannot_open;
static const uint64_t cached_octets = 23; /* of the third */
static int seen_fd;                       /* the numbers that became \Seen */
static uint32_t removed_before, removed;  /* by others, and by the session */

struct store *
store_open(int dirfd, const struct store_options *options)
{
    (void)dirfd;
    read_only = options->read_only;
    errno = EBADMSG;
    return cannot_open ? NULL : (struct store *)&messages;
}
void
store_close(struct store **storep)
{
    *storep = NULL;
}
struct mailbox *
mailbox_open(struct store *store, struct slice name, bool is_read_only, bool claim_recent)
{
    ck_assert(slice_eq(name, SLICE("INBOX")) && is_read_only == read_only && !claim_recent);
    for (uint32_t i = 0; i < ARRAY_LEN(files); i++)
        messages[i] = (struct message){.uid = 10 + i, .size = strlen(files[i])};
    return (struct mailbox *)store;
}
void
mailbox_close(struct mailbox **mbp)
{
    *mbp = NULL;
}
struct mailbox_removed
mailbox_removed(const struct mailbox *mb)
{
    (void)mb;
    return (struct mailbox_removed){.count = removed};
}
uint32_t
mailbox_count(const struct mailbox *mb)
{
    (void)mb;
    return (uint32_t)ARRAY_LEN(files);
}
const struct message *
mailbox_message(const struct mailbox *mb, uint32_t seq)
{
    (void)mb;
    ck_assert(seq >= 1 && seq <= ARRAY_LEN(files));
    return &messages[seq - 1];
}
int
mailbox_unique_name(struct mailbox *mb, uint32_t seq, struct strbuf *out)
{
    (void)mb;
    return strbuf_printf(out, "unique-%u", seq) ? 0 : -1;
}
int
mailbox_open_message(struct mailbox *mb, uint32_t seq)
{
    int fd = memfd_create("message", MFD_CLOEXEC);

    (void)mb;
    ck_assert_int_eq(write_all(fd, slice_of(files[seq - 1])), 0);
    return fd;
}
bool
mailbox_cache_get(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind, struct slice *out)
{
    (void)mb;
    if (uid != 12 || kind != MAILBOX_CACHE_POP3_OCTETS)
        return false;
    *out = slice_make(&cached_octets, sizeof(cached_octets));
    return true;
}
void
mailbox_cache_put(struct mailbox *mb, uint32_t uid, enum mailbox_cache_kind kind,
                  struct slice value)
{
    (void)mb, (void)uid, (void)value;
    ck_assert_int_eq(kind, MAILBOX_CACHE_POP3_OCTETS);
}
int
mailbox_store_flags(struct mailbox *mb, const uint32_t *seqs, uint32_t count,
                    enum mailbox_flag_op op, uint32_t flags, uint64_t keywords,
                    uint64_t unchanged_since, bool *skipped, bool *changed)
{
    (void)mb, (void)keywords, (void)unchanged_since, (void)skipped, (void)changed;
    ck_assert(op == MAILBOX_FLAGS_ADD && flags == MESSAGE_SEEN);
    return write_all(seen_fd, slice_make(seqs, count * sizeof(*seqs)));
}
void
mailbox_release_memory(struct mailbox *mb)
{
    (void)mb;
}
int
mailbox_remove(struct mailbox *mb, const uint32_t *uids, uint32_t count)
{
    (void)mb;
    errno = ENOSPC;
    if (cannot_remove)
        return -1;
    removed = count - removed_before;
    return write_all(removed_fd, slice_make(uids, count * sizeof(*uids)));
}

/* ---- a session ---- */

void
stats_process_state(struct stats *stats, const char *state)
{
    (void)stats, (void)state;
}

bool
pool_session_is_ended(const struct pool_session *session)
{
    (void)session;
    return false;
}

static _Atomic uint64_t counter;
static struct server server;

static void
server_defaults(void)
{
    server = (struct server){
        .banner = "",
        .plain_on_loopback = true,
        .refuse_utf8 = true,
        .idle_ms = 5000,
        .login_ms = 5000,
        .tls_ms = 5000,
        .count = {&counter, &counter, &counter, &counter, &counter},
    };
    cannot_remove = cannot_open = false;
    removed_before = removed = 0;
}

/* A process that serves one session; *fd is the client's end. */
static pid_t
begin(const char *ip, int *fd)
{
    struct strbuf errors = strbuf_new(1000);
    struct conf *conf = conf_parse(SLICE(""), "", &errors);
    struct daemon daemon = {.name = "pop3d", .conf = conf};
    struct pool_session session = {.label = "pop3", .end_fd = -1, .key_fd = -1, .daemon = &daemon};
    int ends[2];
    pid_t pid;

    memcpy(session.client_ip, ip, strlen(ip) + 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* as in a worker */
        session.fd = ends[0];
        _exit(session_serve(&session, &server) == POOL_EXIT ? 7 : 8);
    }
    conf_free(&conf);
    strbuf_free(&errors);
    (void)close(ends[0]);
    *fd = ends[1];
    return pid;
}

/* All replies until the session ends. */
static void
finish(pid_t pid, int fd, struct strbuf *replies)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        ck_assert(strbuf_append(replies, slice_make(buf, (size_t)n)));
    (void)close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* Runs the whole script; the replies end when the session does. */
static void
run(const char *script, struct strbuf *replies, const char *ip)
{
    int fd;
    pid_t pid = begin(ip, &fd);

    ck_assert_int_eq(write_all(fd, slice_of(script)), 0);
    (void)shutdown(fd, SHUT_WR);
    finish(pid, fd, replies);
}

static void
expect(const char *script, const char *expected)
{
    struct strbuf replies = strbuf_new(REPLIES_MAX);

    run(script, &replies, "127.0.0.1");
    ck_assert_str_eq(strbuf_cstr(&replies), expected);
    strbuf_free(&replies);
}

#define HELLO "+OK Posthorn ready\r\n"
#define LOGIN "USER alice\r\nPASS secret\r\n"
#define WELCOME "+OK password?\r\n+OK maildrop has 3 messages\r\n"
#define BYE "+OK bye\r\n"
#define BYE_3 "+OK bye (3 messages left)\r\n"
#define NOT_NOW "-ERR not allowed now\r\n"

static const struct {
    const char *script, *replies;
} sessions[] = {
    {"QUIT\r\n", HELLO BYE},
    {"quit\r\nNOOP\r\n", HELLO BYE},
    {"STAT\r\nNOOP\r\nXYZ\r\nPASS x\r\nQUIT\r\n",
     HELLO NOT_NOW NOT_NOW "-ERR unknown command\r\n" NOT_NOW BYE},
    {LOGIN "STAT\r\nNOOP\r\nQUIT\r\n", HELLO WELCOME "+OK 3 82\r\n+OK still here\r\n" BYE_3},
    {"USER alice\r\nPASS wrong\r\nPASS secret\r\n" LOGIN "QUIT\r\n",
     HELLO "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n" NOT_NOW WELCOME BYE_3},
    {"USER alice\r\nUSER bob\r\nNOOP\r\nPASS secret\r\nUSER x\r\nSTLS\r\nAUTH PLAIN\r\nQUIT\r\n",
     HELLO "+OK password?\r\n+OK password?\r\n" NOT_NOW
           "+OK maildrop has 3 messages\r\n" NOT_NOW NOT_NOW NOT_NOW BYE_3},
    {LOGIN "LIST\r\nLIST 2\r\nLIST 4\r\nLIST 0\r\nLIST x\r\nUIDL\r\nUIDL 3\r\nQUIT\r\n",
     HELLO WELCOME "+OK 3 messages\r\n1 35\r\n2 24\r\n3 23\r\n.\r\n+OK 2 24\r\n"
                   "-ERR no such message\r\n-ERR no such message\r\n-ERR expected: [message]\r\n"
                   "+OK 3 messages\r\n1 unique-1\r\n2 unique-2\r\n3 unique-3\r\n.\r\n"
                   "+OK 3 unique-3\r\n" BYE_3},
    {LOGIN "RETR 1\r\nRETR 2\r\nRETR\r\nRETR 9\r\nLAST\r\nQUIT\r\n",
     HELLO WELCOME "+OK 35 octets\r\nSubject: one\r\n\r\n..dot\r\nsecond line\r\n.\r\n"
                   "+OK 24 octets\r\nSubject: two\r\n\r\nno end\r\n.\r\n"
                   "-ERR expected: message\r\n-ERR no such message\r\n+OK 2\r\n" BYE_3},
    {LOGIN "TOP 1 0\r\nTOP 1 1\r\nTOP 1\r\nTOP 7 1\r\nLAST\r\nQUIT\r\n",
     HELLO WELCOME "+OK 35 octets\r\nSubject: one\r\n\r\n.\r\n"
                   "+OK 35 octets\r\nSubject: one\r\n\r\n..dot\r\n.\r\n"
                   "-ERR expected: message lines\r\n-ERR no such message\r\n+OK 0\r\n" BYE_3},
    {LOGIN "DELE 2\r\nDELE 2\r\nSTAT\r\nLIST\r\nRETR 2\r\nRSET\r\nSTAT\r\nQUIT\r\n",
     HELLO WELCOME "+OK message 2 marked\r\n-ERR no such message\r\n+OK 2 58\r\n"
                   "+OK 2 messages\r\n1 35\r\n3 23\r\n.\r\n-ERR no such message\r\n"
                   "+OK maildrop has 3 messages (82 octets)\r\n+OK 3 82\r\n" BYE_3},
    /* RFC 1460: RSET takes back what LAST knew */
    {LOGIN "RETR 2\r\nLAST\r\nRSET\r\nLAST\r\nQUIT\r\n",
     HELLO WELCOME "+OK 24 octets\r\nSubject: two\r\n\r\nno end\r\n.\r\n+OK 2\r\n"
                   "+OK maildrop has 3 messages (82 octets)\r\n+OK 0\r\n" BYE_3},
    /* RFC 6856: not without UTF8, and no STLS after it */
    {LOGIN "RETR 3\r\nQUIT\r\n",
     HELLO WELCOME "-ERR [UTF8] the message needs UTF-8 mode\r\n" BYE_3},
    {"UTF8\r\nSTLS\r\n" LOGIN "TOP 3 0\r\nQUIT\r\n",
     HELLO "+OK UTF-8 mode\r\n-ERR STLS is not possible now\r\n" WELCOME
           "+OK 23 octets\r\nSubject: j\xc3\xbcrgen\r\n\r\n.\r\n" BYE_3},
    {"LANG\r\nLANG en\r\nLANG *\r\nLANG de\r\nQUIT\r\n",
     HELLO "+OK languages\r\nen English\r\n.\r\n+OK en the language is English\r\n"
           "+OK en the language is English\r\n-ERR there is English alone\r\n" BYE},
    /* POP-04 */
    {"USER rob\r\nPASS secret\r\nDELE 1\r\nSTAT\r\nQUIT\r\n",
     HELLO WELCOME "-ERR nothing may be removed from this maildrop\r\n+OK 3 82\r\n" BYE_3},
    /* SASL: "secret" and its final data, answered with nothing */
    {"AUTH ECHO\r\nc2VjcmV0\r\n\r\nQUIT\r\n",
     HELLO "+ \r\n+ dj1maW5hbA==\r\n+OK maildrop has 3 messages\r\n" BYE_3},
    {"AUTH ECHO c2VjcmV0\r\n\r\nQUIT\r\n",
     HELLO "+ dj1maW5hbA==\r\n+OK maildrop has 3 messages\r\n" BYE_3},
    {"AUTH ECHO =\r\nAUTH ECHO\r\n*\r\nAUTH ECHO\r\n!\r\nAUTH NTLM\r\nAUTH ECHO "
     "a\r\nAUTH\r\nQUIT\r\n",
     HELLO
     "-ERR [AUTH] wrong user name or password\r\n+ \r\n-ERR cancelled\r\n+ \r\n"
     "-ERR the response cannot be decoded\r\n-ERR mechanism not supported\r\n"
     "-ERR the initial response cannot be decoded\r\n+OK mechanisms\r\nPLAIN\r\nECHO\r\n.\r\n" BYE},
    /* hostile lines */
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HELLO},
    {"QUIT\nNOOP\r\nQUIT\r\n", HELLO "-ERR a line ends with CR and LF\r\n" BYE},
    {"USER \xff\xfe\r\nUSER\r\nQUIT\r\n", HELLO "-ERR no user name\r\n-ERR no user name\r\n" BYE},
};

START_TEST(sessions_go_as_written)
{
    server_defaults();
    expect(sessions[_i].script, sessions[_i].replies);
}
END_TEST

START_TEST(a_long_line_is_refused_and_the_next_is_read)
{
    struct strbuf script = strbuf_new(REPLIES_MAX);

    server_defaults();
    (void)strbuf_str(&script, "USER ");
    for (int i = 0; i < 2000; i++)
        (void)strbuf_str(&script, "0123456789");
    (void)strbuf_str(&script, "\r\nUSER ");
    for (int i = 0; i < 60; i++)
        (void)strbuf_str(&script, "0123456789");
    (void)strbuf_str(&script, "\r\nQUIT\r\n");
    expect(strbuf_cstr(&script), HELLO "-ERR line too long\r\n-ERR line too long\r\n" BYE);
    strbuf_free(&script);
}
END_TEST

START_TEST(marked_messages_go_at_quit_and_only_there)
{
    static const char gone[] = HELLO WELCOME "+OK message 1 marked\r\n+OK message 3 marked\r\n"
                                             "+OK bye (1 messages left)\r\n";
    uint32_t uids[4];
    int fds[2];

    server_defaults();
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
    removed_fd = fds[1];
    expect(LOGIN "DELE 1\r\nDELE 3\r\n",
           HELLO WELCOME "+OK message 1 marked\r\n+OK message 3 marked\r\n");
    ck_assert_int_eq(read(fds[0], uids, sizeof(uids)), -1);
    expect(LOGIN "DELE 1\r\nDELE 3\r\nQUIT\r\n", gone);
    ck_assert_int_eq(read(fds[0], uids, sizeof(uids)), 12);
    ck_assert_uint_eq(uids[0], 10);
    ck_assert_uint_eq(uids[1], 12);
    ck_assert_uint_eq(uids[2], 2);
    removed_before = 1;
    expect(LOGIN "DELE 1\r\nDELE 3\r\nQUIT\r\n", gone);
    ck_assert_int_eq(read(fds[0], uids, sizeof(uids)), 12);
    ck_assert_uint_eq(uids[2], 1); /* another session's is not this one's */
    cannot_remove = true;
    expect(LOGIN "DELE 1\r\nQUIT\r\n",
           HELLO WELCOME "+OK message 1 marked\r\n"
                         "-ERR [SYS/TEMP] the marked messages were not removed\r\n");
}
END_TEST

START_TEST(what_was_fetched_is_marked_as_read_where_the_user_wants_it)
{
    uint32_t numbers[4];
    int fds[2], nowhere[2];

    server_defaults();
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
    ck_assert_int_eq(pipe2(nowhere, O_NONBLOCK), 0);
    seen_fd = fds[1];
    removed_fd = nowhere[1];
    expect(LOGIN "RETR 2\r\nQUIT\r\n",
           HELLO WELCOME "+OK 24 octets\r\nSubject: two\r\n\r\nno end\r\n.\r\n" BYE_3);
    ck_assert_int_eq(read(fds[0], numbers, sizeof(numbers)), -1);
    /* TOP fetches nothing; no QUIT is needed */
    expect("USER max\r\nPASS secret\r\nTOP 1 0\r\nRETR 2\r\n",
           HELLO WELCOME "+OK 35 octets\r\nSubject: one\r\n\r\n.\r\n"
                         "+OK 24 octets\r\nSubject: two\r\n\r\nno end\r\n.\r\n");
    ck_assert_int_eq(read(fds[0], numbers, sizeof(numbers)), 4);
    ck_assert_uint_eq(numbers[0], 2);
}
END_TEST

/* RFC 2449 section 6.5 */
START_TEST(the_login_delay_is_announced)
{
    struct strbuf replies = strbuf_new(REPLIES_MAX);
    static const struct {
        const char *user, *delay;
    } users[] = {{"max", "\r\nLOGIN-DELAY 900\r\n"}, {"alice", "\r\nLOGIN-DELAY 0\r\n"}};

    server_defaults();
    server.login_delay_ms = 900000;
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        char script[100];

        (void)snprintf(script, sizeof(script), "CAPA\r\nUSER %s\r\nPASS secret\r\nCAPA\r\nQUIT\r\n",
                       users[i].user);
        strbuf_clear(&replies);
        run(script, &replies, "127.0.0.1");
        ck_assert_ptr_nonnull(strstr(strbuf_cstr(&replies), "\r\nLOGIN-DELAY 900 USER\r\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_cstr(&replies), users[i].delay));
    }
    strbuf_free(&replies);
}
END_TEST

START_TEST(a_broken_maildrop_is_told_as_permanent)
{
    server_defaults();
    cannot_open = true;
    expect(LOGIN "STAT\r\n",
           HELLO "+OK password?\r\n-ERR [SYS/PERM] the maildrop cannot be opened\r\n");
}
END_TEST

START_TEST(without_tls_no_password_from_afar)
{
    struct strbuf replies = strbuf_new(REPLIES_MAX);

    server_defaults();
    run("CAPA\r\nUSER alice\r\nPASS secret\r\nQUIT\r\n", &replies, "192.0.2.1");
    ck_assert_ptr_null(strstr(strbuf_cstr(&replies), "\r\nUSER\r\n"));
    ck_assert_ptr_null(strstr(strbuf_cstr(&replies), "PLAIN"));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&replies), "\r\nSASL ECHO\r\n"));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&replies), "-ERR passwords need encryption first"));
    strbuf_free(&replies);
}
END_TEST

START_TEST(capabilities_name_all_extensions)
{
    static const char *const tags[] = {"TOP",
                                       "UIDL",
                                       "RESP-CODES",
                                       "AUTH-RESP-CODE",
                                       "PIPELINING",
                                       "USER",
                                       "EXPIRE NEVER",
                                       "UTF8 USER",
                                       "LANG",
                                       ".",
                                       "IMPLEMENTATION Posthorn"};
    struct strbuf replies = strbuf_new(REPLIES_MAX);

    server_defaults();
    run("CAPA\r\nQUIT\r\n", &replies, "127.0.0.1");
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        char *line = xasprintf("\r\n%s\r\n", tags[i]);

        ck_assert_msg(strstr(strbuf_cstr(&replies), line) != NULL, "%s", tags[i]);
        free(line);
    }
    ck_assert_ptr_null(strstr(strbuf_cstr(&replies), "STLS")); /* there is no certificate */
    strbuf_clear(&replies);
    server.banner = "mail";
    run("CAPA\r\nQUIT\r\n", &replies, "127.0.0.1");
    ck_assert_ptr_null(strstr(strbuf_cstr(&replies), "Posthorn")); /* SMTP-07 */
    strbuf_free(&replies);
}
END_TEST

START_TEST(five_failed_logins_are_enough)
{
    server_defaults();
    expect("USER a\r\nPASS b\r\nUSER a\r\nPASS b\r\nUSER a\r\nPASS b\r\nUSER a\r\nPASS b\r\n"
           "USER a\r\nPASS b\r\nNOOP\r\n",
           HELLO "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n"
                 "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n"
                 "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n"
                 "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n"
                 "+OK password?\r\n-ERR [AUTH] wrong user name or password\r\n");
}
END_TEST

/* Who stays busy without logging in is cut off all the same. */
START_TEST(a_login_has_a_deadline)
{
    const struct timespec step = {.tv_nsec = 20000000};
    struct strbuf replies = strbuf_new(REPLIES_MAX);
    bool open = true;
    pid_t pid;
    int fd;

    server_defaults();
    server.login_ms = 300;
    server.idle_ms = 60000;
    (void)signal(SIGPIPE, SIG_IGN);
    pid = begin("127.0.0.1", &fd);
    for (int i = 0; i < 100 && open; i++) {
        open = write_all(fd, SLICE("CAPA\r\n")) == 0;
        (void)nanosleep(&step, NULL);
    }
    ck_assert(!open); /* long before the two seconds were over */
    finish(pid, fd, &replies);
    strbuf_free(&replies);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pop3_session");
    TCase *tc = tcase_create("pop3_session");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, sessions_go_as_written, 0, (int)ARRAY_LEN(sessions));
    tcase_add_test(tc, a_long_line_is_refused_and_the_next_is_read);
    tcase_add_test(tc, marked_messages_go_at_quit_and_only_there);
    tcase_add_test(tc, a_broken_maildrop_is_told_as_permanent);
    tcase_add_test(tc, what_was_fetched_is_marked_as_read_where_the_user_wants_it);
    tcase_add_test(tc, the_login_delay_is_announced);
    tcase_add_test(tc, without_tls_no_password_from_afar);
    tcase_add_test(tc, capabilities_name_all_extensions);
    tcase_add_test(tc, five_failed_logins_are_enough);
    tcase_add_test(tc, a_login_has_a_deadline);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
