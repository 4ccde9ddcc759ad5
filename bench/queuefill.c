/*
 * bench/queuefill.c - fills a stopped instance's queue with deferred messages, quickly.
 *
 *   queuefill QUEUE-DIRECTORY COUNT DESTINATIONS WAIT-SECONDS ADDRESS
 *
 * COUNT messages of 1 KiB to DESTINATIONS domains, each after one round of attempts and due within
 * the WAIT-SECONDS after the first WAIT-SECONDS from now; one more for ADDRESS that was just
 * accepted, and one that is due at once. Written by lib/queue's encoders without flushes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/queue/queue_log.h"
#include "lib/queue/spool.h"

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
write_file(int dirfd, const char *name, struct slice bytes)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0664);

    if (fd < 0 || write_all(fd, bytes) < 0 || close(fd) < 0)
        fail(name);
}

static void
put_message(int dirfd, const char *address, int64_t next_ms)
{
    static char content[1024];
    struct queue_rcpt rcpt = {.address = slice_of(address)};
    struct queue_envelope e = {.rcpt_count = 1,
                               .rcpts = &rcpt,
                               .received_ms = clock_real_ms(),
                               .content_size = sizeof(content),
                               .sender = SLICE("s@bench.test")};
    struct strbuf file = strbuf_new(10000), log = strbuf_new(10000);
    char name[QUEUE_NAME_MAX];

    (void)snprintf(content, sizeof(content),
                   "Return-Path: <s@bench.test>\r\nSubject: filled\r\n\r\n%0970d\r\n", 0);
    e.content_crc = crc32c(0, slice_make(content, sizeof(content)));
    queue_id_make(e.id);
    (void)strbuf_append(&file, slice_make(content, sizeof(content)));
    if (envelope_encode(&file, &e) < 0)
        fail("envelope");
    write_file(dirfd, e.id, strbuf_slice(&file));
    if (next_ms > 0) {
        queue_log_encode(&log, &(struct queue_log_entry){.kind = QUEUE_LOG_WAIT,
                                                         .time_ms = e.received_ms,
                                                         .address = rcpt.address,
                                                         .dsn = SLICE("4.4.1"),
                                                         .text = SLICE("connect: timed out")});
        queue_log_encode(&log, &(struct queue_log_entry){.kind = QUEUE_LOG_ROUND,
                                                         .time_ms = e.received_ms,
                                                         .round = 1,
                                                         .next_ms = next_ms});
        queue_name(name, e.id, ".log");
        write_file(dirfd, name, strbuf_slice(&log));
    }
    strbuf_free(&file);
    strbuf_free(&log);
}

int
main(int argc, char **argv)
{
    struct spool spool;
    struct stat st;
    char address[64];
    long count, destinations, wait_s;

    if (argc != 6)
        return 2;
    count = strtol(argv[2], NULL, 10);
    destinations = strtol(argv[3], NULL, 10);
    wait_s = strtol(argv[4], NULL, 10);
    if (spool_open_readonly(&spool, argv[1]) < 0 || fstat(spool.fds[SPOOL_DEFERRED], &st) < 0)
        fail(argv[1]);
    (void)umask(0002);
    if (geteuid() == 0 && (setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0))
        fail("user of the queue");
    for (long i = 0; i < count; i++) {
        (void)snprintf(address, sizeof(address), "u%ld@d%05ld.dest.test", i, i % destinations);
        put_message(spool.fds[SPOOL_DEFERRED], address,
                    clock_real_ms() + wait_s * 1000 + i * 7919 % (wait_s * 1000));
    }
    put_message(spool.fds[SPOOL_NEW], argv[5], 0);
    put_message(spool.fds[SPOOL_DEFERRED], argv[5], 0);
    return 0;
}
