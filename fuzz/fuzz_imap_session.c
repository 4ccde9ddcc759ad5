/*
 * fuzz/fuzz_imap_session.c - a logged-in session's whole conversation, on a real store.
 *
 * The store lives on through the inputs, so that they meet what others left, and begins anew now
 * and then. What the session answers is thrown away: this is about what it does not survive.
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
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imapd/session.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    INPUTS_PER_STORE = 300,
    STEP_MS = 2000, /* all input is there from the start: nothing has to be waited for */
    INPUT_MAX = 16384
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Atomic uint64_t counter;
static char directory[64];
static int mail_dirfd = -1;
static unsigned inputs;

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
    if (mail_dirfd < 0)
        return;
    (void)close(mail_dirfd);
    (void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    mail_dirfd = -1;
}

static void
make_store(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    if (inputs++ % INPUTS_PER_STORE != 0)
        return;
    if (inputs == 1)
        assert_always(atexit(remove_store) == 0);
    remove_store();
    (void)snprintf(directory, sizeof(directory), "%s/posthorn-fuzz-XXXXXX", base);
    assert_always(mkdtemp(directory) != NULL);
    mail_dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_always(mail_dirfd >= 0);
}

static void
drain(int fd)
{
    char trash[65536];

    while (recv(fd, trash, sizeof(trash), MSG_DONTWAIT) > 0)
        ;
}

/* The signals of IDLE's watch are blocked where it is made; the fuzzer has a thread of its own,
 * which would die of them. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    sigset_t all;

    (void)argc;
    (void)argv;
    (void)sigemptyset(&all);
    for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
        (void)sigaddset(&all, signo);
    return pthread_sigmask(SIG_BLOCK, &all, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct server server = {
        .settings = {.banner = "fuzz",
                     .command_max = 8192,
                     .append_max = 10000,
                     .message_limit = 3,
                     .errors_max = 1000,
                     .metadata_size_max = 2000,
                     .metadata_entries_max = 10,
                     .metadata_total_max = 20000,
                     .notify_max = 100,
                     .login_timeout_ms = STEP_MS,
                     .autologout_ms = STEP_MS,
                     .transfer_timeout_ms = STEP_MS},
        .counters = {&counter, &counter, &counter, &counter, &counter, &counter},
    };
    struct pool_session pool = {
        .label = "imap", .client_ip = "127.0.0.1", .end_fd = -1, .key_fd = -1};
    struct session s = {
        .pool = &pool,
        .server = &server,
        .state = STATE_AUTHENTICATED,
        .user = "a@b",
        .store_options = {.may_remove = true, .quota_messages = 1000, .flush_interval_ms = 1000},
        .command = strbuf_new(0),
        .out = strbuf_new(1 << 20),
        .code = strbuf_new(1 << 16),
    };
    int ends[2];

    if (size > INPUT_MAX)
        return 0;
    log_set_level(LOG_ERROR);
    make_store();
    s.mail_dirfd = dup(mail_dirfd);
    s.successor_fd = -1;
    assert_always(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    assert_always(write_all(ends[1], slice_make(data, size)) == 0);
    (void)shutdown(ends[1], SHUT_WR);
    s.stream = stream_new(ends[0], INPUT_MAX);
    stream_set_write_timeout(s.stream, 0); /* who answers more than the socket takes is cut off */
    session_run(&s);
    session_end(&s);
    drain(ends[1]);
    (void)close(ends[1]);
    return 0;
}
