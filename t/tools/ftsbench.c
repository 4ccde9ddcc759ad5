/*
 * t/tools/ftsbench.c - figures of the full-text index: speed and size on text that people wrote.
 *
 *   ftsbench make DIR MESSAGES TEXTFILE...   messages made of passages of the files, in DIR (new)
 *   ftsbench build DIR MESSAGES              scans them, then makes their index
 *   ftsbench search DIR STRING...            asks the index, looks into the candidates
 *
 * Times are processor time of this process (user and system): other work on the machine does not
 * count. A scan is what a search does without an index: each file read, parsed and searched. Give
 * text of several languages in UTF-8; random letters make an index look small.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/fts/fts.h"
#include "lib/mail/text_search.h"
#include "lib/mail/text_walk.h"

enum { TEXT_FILES_MAX = 16, FILE_MAX = 64 << 20, MESSAGE_MAX = 1 << 20 };

static struct strbuf texts[TEXT_FILES_MAX];
static size_t text_count;
static uint64_t seed = 1;

static _Noreturn void
fail(const char *what)
{
    (void)fprintf(stderr, "ftsbench: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double
cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t
chance(uint64_t below) /* the same at every run */
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* ---- messages ---- */

/* Most are short, some long: half have less than 1,500 bytes, one in ten over 6 KB. */
static size_t
passage_len(void)
{
    return (size_t)(150 + chance(450)) << chance(5);
}

static struct slice
passage(void)
{
    struct slice text = strbuf_slice(&texts[chance(text_count)]);
    size_t from = chance(text.len), to;

    while (from < text.len && text.ptr[from] != ' ' && text.ptr[from] != '\n')
        from++;
    to = from + passage_len();
    while (to < text.len && text.ptr[to] != ' ' && text.ptr[to] != '\n')
        to++;
    return slice_sub(text, from, to);
}

static void
put_random(struct strbuf *out, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i++) {
        (void)strbuf_char(out, letters[chance(64)]);
        if (i % 64 == 63)
            (void)strbuf_str(out, "\r\n\t");
    }
}

static void
put_header(struct strbuf *out, unsigned number)
{
    static const char *const names[] = {"anna", "bernd", "chen.wei", "dmitri", "emma", "felix"};
    const char *from = names[chance(ARRAY_LEN(names))], *to = names[chance(ARRAY_LEN(names))];

    (void)strbuf_printf(out,
                        "Return-Path: <%s@example.org>\r\nReceived: from mx%u.example.org "
                        "(mx%u.example.org [192.0.2.%u])\r\n\tby mail.example.com (Posthorn) "
                        "with ESMTPS id ",
                        from, (unsigned)chance(9), (unsigned)chance(9), (unsigned)chance(255));
    put_random(out, 12);
    (void)strbuf_printf(out, "\r\n\tfor <%s@example.com>; Mon, %u Nov 2026 10:%02u:11 +0100\r\n",
                        to, (unsigned)chance(30) + 1, (unsigned)chance(60));
    (void)strbuf_str(out, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n"
                          "\ts=s2026; h=from:to:subject:date:message-id; bh=");
    put_random(out, 44);
    (void)strbuf_str(out, ";\r\n\tb=");
    put_random(out, 344);
    (void)strbuf_printf(out, "\r\nFrom: %s <%s@example.org>\r\nTo: %s@example.com\r\nMessage-ID: <",
                        from, from, to);
    put_random(out, 24);
    (void)strbuf_printf(out,
                        "@example.org>\r\nDate: Mon, %u Nov 2026 10:00:%02u +0100\r\n"
                        "Subject: message %u\r\nMIME-Version: 1.0\r\n",
                        (unsigned)chance(30) + 1, (unsigned)chance(60), number);
}

static void
put_lines(struct strbuf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            (void)strbuf_char(out, '\r');
        (void)strbuf_char(out, text.ptr[i]);
    }
    (void)strbuf_str(out, "\r\n");
}

static void
make_message(struct strbuf *out, unsigned number)
{
    struct slice text = passage();
    bool html = chance(3) == 0;

    put_header(out, number);
    if (html)
        (void)strbuf_str(out,
                         "Content-Type: multipart/alternative; boundary=x--x\r\n\r\n--x--x\r\n");
    (void)strbuf_str(out, "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: 8bit\r\n\r\n");
    put_lines(out, text);
    if (!html)
        return;
    (void)strbuf_str(out, "--x--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
                          "<html><head><style>p { margin: 0 }</style></head><body><p>");
    put_lines(out, text);
    (void)strbuf_str(out, "</p></body></html>\r\n--x--x--\r\n");
}

static const char *
message_name(unsigned number)
{
    static char name[32];

    (void)snprintf(name, sizeof(name), "%u", number);
    return name;
}

static void
make_messages(int dirfd, unsigned count)
{
    struct strbuf message = strbuf_new(MESSAGE_MAX);

    for (unsigned i = 1; i <= count; i++) {
        int fd = openat(dirfd, message_name(i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        strbuf_clear(&message);
        make_message(&message, i);
        if (fd < 0 || write_all(fd, strbuf_slice(&message)) < 0)
            fail(message_name(i));
        close_keep_errno(fd);
    }
    strbuf_free(&message);
}

/* ---- measuring ---- */

static void
read_message(int dirfd, unsigned number, struct strbuf *raw, struct mime *m)
{
    strbuf_clear(raw);
    if (read_file(dirfd, message_name(number), raw) < 0)
        fail(message_name(number));
    mime_parse(strbuf_slice(raw), m);
}

static bool
is_in(int dirfd, unsigned number, struct slice needle)
{
    struct strbuf raw = strbuf_new(MESSAGE_MAX);
    struct mime m;
    bool found;

    read_message(dirfd, number, &raw, &m);
    found = text_search_message(&m, needle, true);
    mime_free(&m);
    strbuf_free(&raw);
    return found;
}

static bool
count_text(void *arg, struct slice folded)
{
    *(uint64_t *)arg += folded.len;
    return true;
}

static void
ignore_gap(void *arg)
{
    (void)arg;
}

static uint64_t
text_bytes(int dirfd, unsigned count)
{
    struct strbuf raw = strbuf_new(MESSAGE_MAX);
    uint64_t bytes = 0;
    const struct text_sink sink = {count_text, ignore_gap, &bytes};

    for (unsigned i = 1; i <= count; i++) {
        struct mime m;

        read_message(dirfd, i, &raw, &m);
        text_walk_message(&m, true, &sink);
        mime_free(&m);
    }
    strbuf_free(&raw);
    return bytes;
}

static void
build_batch(int dirfd, struct fts *fts, unsigned count)
{
    struct strbuf raw = strbuf_new(MESSAGE_MAX);

    for (unsigned i = fts_last_uid(fts) + 1; i <= count && !fts_batch_full(fts); i++) {
        struct mime m;

        read_message(dirfd, i, &raw, &m);
        if (fts_add(fts, i, &m) < 0)
            fail("fts_add");
        mime_free(&m);
    }
    if (fts_commit(fts) < 0)
        fail("fts_commit");
    strbuf_free(&raw);
}

static unsigned
build(int dirfd, const struct fts_folder *folder, unsigned count)
{
    unsigned batches = 0, last = 0;

    while (last < count) {
        struct fts *fts = fts_open(folder, FTS_WRITE);

        if (fts == NULL)
            fail("fts_open");
        build_batch(dirfd, fts, count);
        last = fts_last_uid(fts);
        fts_close(&fts);
        batches++;
    }
    return batches;
}

static void
search(int dirfd, const struct fts_folder *folder, const char *string)
{
    double begin = cpu_s(), asked;
    struct fts *fts = fts_open(folder, FTS_READ);
    enum fts_answer answer;
    struct fts_uids uids;
    unsigned found = 0;

    if (fts == NULL)
        fail("fts_open");
    answer = fts_query(fts, slice_of(string), &uids);
    fts_close(&fts);
    asked = cpu_s();
    for (size_t i = 0; i < uids.count; i++)
        found += is_in(dirfd, uids.uids[i], slice_of(string));
    (void)printf("%-20s answer %d, %zu candidates in %.2f ms, %u messages in %.2f ms\n", string,
                 (int)answer, uids.count, (asked - begin) * 1e3, found, (cpu_s() - asked) * 1e3);
    free(uids.uids);
}

static void
measure(int dirfd, const struct fts_folder *folder, unsigned count)
{
    uint64_t text = text_bytes(dirfd, count); /* and all files are in memory now */
    double begin = cpu_s(), scan;
    unsigned batches;
    struct stat st;

    for (unsigned i = 1; i <= count; i++)
        if (is_in(dirfd, i, SLICE("qqzz nowhere qqzz")))
            fail("found what is not there");
    scan = cpu_s() - begin;
    (void)unlinkat(dirfd, "posthorn.fts", 0); /* of the run before */
    begin = cpu_s();
    batches = build(dirfd, folder, count);
    begin = cpu_s() - begin;
    if (fstatat(dirfd, "posthorn.fts", &st, 0) < 0)
        fail("posthorn.fts");
    (void)printf("%u messages, text %.1f MB\n", count, (double)text / 1e6);
    (void)printf("scan  %.2f s\nbuild %.2f s in %u batches: %.2f times a scan\n", scan, begin,
                 batches, begin / scan);
    (void)printf("index %.1f MB: %.1f %% of the text\n", (double)st.st_size / 1e6,
                 100.0 * (double)st.st_size / (double)text);
}

static int
usage(void)
{
    (void)fprintf(stderr, "usage: ftsbench make DIR MESSAGES TEXTFILE... | build DIR MESSAGES | "
                          "search DIR STRING...\n");
    return EXIT_FAILURE;
}

static void
read_texts(char **names, int count)
{
    for (int i = 0; i < count && i < TEXT_FILES_MAX; i++) {
        texts[text_count] = strbuf_new(FILE_MAX);
        if (read_file(AT_FDCWD, names[i], &texts[text_count++]) < 0)
            fail(names[i]);
    }
}

int
main(int argc, char **argv)
{
    struct fts_folder folder = {.uidvalidity = 1};
    bool make = argc > 4 && strcmp(argv[1], "make") == 0;

    if (argc < 4)
        return usage();
    if (make && mkdir(argv[2], 0700) < 0)
        fail(argv[2]);
    folder.dirfd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.dirfd < 0)
        fail(argv[2]);
    if (make) {
        read_texts(argv + 4, argc - 4);
        make_messages(folder.dirfd, (unsigned)strtoul(argv[3], NULL, 10));
    } else if (strcmp(argv[1], "build") == 0) {
        measure(folder.dirfd, &folder, (unsigned)strtoul(argv[3], NULL, 10));
    } else if (strcmp(argv[1], "search") == 0) {
        for (int i = 3; i < argc; i++)
            search(folder.dirfd, &folder, argv[i]);
    } else {
        return usage();
    }
    return EXIT_SUCCESS;
}
