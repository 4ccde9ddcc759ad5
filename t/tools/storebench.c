/*
 * t/tools/storebench.c - figures of the mailbox store, without the programs around it.
 *
 *   storebench deliver DIR MAILBOXES ROUNDS   one message into so many mailboxes, again and again
 *   storebench fill DIR MESSAGES              messages into one INBOX (in records of 1,000)
 *   storebench append DIR COUNT               single APPENDs, each durable
 *   storebench select DIR                     open, FETCH FLAGS, STORE 1:*, STATUS of that INBOX
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/delivery.h"
#include "lib/store/mailbox.h"

#define MESSAGE_SIZE 4096

static char content[MESSAGE_SIZE];

static _Noreturn void
fail(const char *what)
{
    (void)fprintf(stderr, "storebench: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void
report(const char *what, uint64_t count, int64_t begin_us)
{
    int64_t us = clock_real_us() - begin_us;

    (void)printf("%-22s %8" PRIu64 " in %9.3f ms  %10.0f/s\n", what, count, (double)us / 1000.0,
                 us == 0 ? 0.0 : (double)count * 1e6 / (double)us);
}

static int
make_message(int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write_all(fd, slice_make(content, sizeof(content))) < 0 || fsync(fd) < 0)
        fail(name);
    return fd;
}

static void
make_user(int dirfd, const char *user)
{
    char path[80];

    (void)snprintf(path, sizeof(path), "%s/mail", user);
    for (char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdirat(dirfd, path, 0711); /* may be there */
        *at = '/';
    }
    if (mkdirat(dirfd, path, 0700) < 0)
        fail(path);
}

static void
deliver(int dirfd, unsigned mailboxes, unsigned rounds)
{
    int64_t begin = 0;

    for (unsigned round = 0; round <= rounds; round++) { /* the first makes the mailboxes */
        struct delivery_batch *b = delivery_begin(&(struct store_dirs){dirfd, -1});
        char id[24];
        struct delivery_message m = {.dirfd = dirfd, .name = "message", .size = sizeof(content)};
        size_t failed = 0;

        (void)snprintf(id, sizeof(id), "%llx%x", (unsigned long long)clock_real_us(), round);
        m.fd = make_message(dirfd, "message");
        m.crc = crc32c(0, slice_make(content, sizeof(content)));
        m.queue_id = slice_of(id);
        m.received_ms = clock_real_ms();
        if (round == 1)
            begin = clock_real_us();
        for (unsigned i = 0; i < mailboxes; i++) {
            char user[64];

            (void)snprintf(user, sizeof(user), "bench.test/%02x/user%u", i % 256, i);
            if (round == 0)
                make_user(dirfd, user);
            (void)delivery_add(b, &m, slice_of(user), SLICE("INBOX"), UINT64_C(1) << 40, 0);
        }
        delivery_commit(b);
        for (unsigned i = 0; i < mailboxes; i++)
            failed += delivery_get(b, i)->status != DELIVERY_OK;
        if (failed > 0)
            (void)printf("%zu failed\n", failed);
        delivery_free(&b);
        (void)close(m.fd);
        (void)unlinkat(dirfd, "message", 0);
    }
    report("deliver", (uint64_t)mailboxes * rounds, begin);
}

static struct store *
open_store(int dirfd)
{
    struct store_options options = {.may_remove = true, .flush_interval_ms = 1000};
    struct store *store = store_open(dirfd, &options);

    if (store == NULL)
        fail("store_open");
    return store;
}

static void
append(struct store *store, unsigned count, unsigned at_once)
{
    int64_t begin = clock_real_us();

    for (unsigned done = 0; done < count;) {
        struct mailbox_append *a = mailbox_append_begin(store, SLICE("INBOX"));
        struct mailbox_uids uids;

        if (a == NULL)
            fail("append");
        for (unsigned i = 0; i < at_once && done < count; i++, done++)
            if (write_all(mailbox_append_fd(a), slice_make(content, sizeof(content))) < 0 ||
                mailbox_append_message(a, 0, NULL, 0, clock_real_ms()) < 0)
                fail("append");
        if (mailbox_append_commit(&a, &uids) < 0)
            fail("commit");
        free(uids.uids);
    }
    report("append", count, begin);
}

/* Without files: what costs is the journal's length. */
static void
fill(int dirfd, unsigned count)
{
    struct store *store = open_store(dirfd);
    struct mailbox *mb;
    struct mailbox_uids uids;
    uint32_t *seqs = xreallocarray(NULL, count, sizeof(*seqs));

    append(store, 100, 100);
    mb = mailbox_open(store, SLICE("INBOX"), false, false);
    while (mb != NULL && mailbox_count(mb) < count) {
        uint32_t n = mailbox_count(mb) < 2000 ? mailbox_count(mb) : 2000;

        for (uint32_t i = 0; i < n; i++)
            seqs[i] = i + 1;
        if (mailbox_copy(mb, seqs, n, SLICE("INBOX"), false, &uids) < 0 ||
            mailbox_sync(mb, true, NULL) < 0)
            fail("copy");
        free(uids.uids);
    }
    mailbox_close(&mb);
    free(seqs);
    store_close(&store);
}

static void
select_and_more(struct store *store)
{
    int64_t begin = clock_real_us();
    struct mailbox *mb = mailbox_open(store, SLICE("INBOX"), false, true);
    struct mailbox_info info;
    uint32_t count, *seqs;
    uint64_t sum = 0;

    if (mb == NULL)
        fail("open");
    mailbox_get_info(mb, &info);
    report("SELECT", 1, begin);
    count = info.count;
    seqs = xreallocarray(NULL, count, sizeof(*seqs));
    begin = clock_real_us();
    for (uint32_t seq = 1; seq <= count; seq++) {
        sum += mailbox_message(mb, seq)->flags;
        seqs[seq - 1] = seq;
    }
    report("FETCH 1:* FLAGS", count, begin);
    for (unsigned i = 0; i < 2; i++) {
        begin = clock_real_us();
        if (mailbox_store_flags(mb, seqs, count, i == 0 ? MAILBOX_FLAGS_ADD : MAILBOX_FLAGS_REMOVE,
                                MESSAGE_FLAGGED, 0, 0, NULL, NULL) < 0)
            fail("store");
        report("STORE 1:*", count, begin);
    }
    begin = clock_real_us();
    for (unsigned i = 0; i < 100; i++)
        if (mailbox_sync(mb, true, NULL) < 0)
            fail("sync");
    report("NOOP", 100, begin);
    begin = clock_real_us();
    for (unsigned i = 0; i < 100; i++)
        if (mailbox_status(store, SLICE("INBOX"), &info) < 0)
            fail("status");
    report("STATUS", 100, begin);
    begin = clock_real_us();
    mailbox_close(&mb);
    report("CLOSE", 1, begin);
    (void)printf("(%u messages, flags sum %" PRIu64 ")\n", count, sum);
    free(seqs);
}

int
main(int argc, char **argv)
{
    int dirfd;
    struct store *store;

    if (argc < 3 || (mkdir(argv[2], 0700) < 0 && errno != EEXIST))
        fail("usage");
    memset(content, 'x', sizeof(content));
    for (size_t i = 64; i < sizeof(content); i += 64)
        memcpy(content + i - 2, "\r\n", 2);
    dirfd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        fail(argv[2]);
    if (strcmp(argv[1], "deliver") == 0 && argc == 5) {
        deliver(dirfd, (unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
    } else if (strcmp(argv[1], "fill") == 0 && argc == 4) {
        fill(dirfd, (unsigned)strtoul(argv[3], NULL, 10));
    } else {
        store = open_store(dirfd);
        if (strcmp(argv[1], "append") == 0 && argc == 4)
            append(store, (unsigned)strtoul(argv[3], NULL, 10), 1);
        else
            select_and_more(store);
        store_close(&store);
    }
    (void)close(dirfd);
    return EXIT_SUCCESS;
}
