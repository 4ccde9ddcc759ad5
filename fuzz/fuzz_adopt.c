/*
 * fuzz/fuzz_adopt.c - a Maildir that another program filled is taken over.
 *
 * Input: messages, each a byte (bit 0: new/ or cur/), a name and a text (u8 and u16 length, bytes);
 * the first half lies there before the folder is opened, the rest comes into new/ while it is open
 * (what is in cur/ then nobody may change).
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/adopt.h"
#include "lib/store/folder_list.h"
#include "lib/store/mailbox_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTENT_MAX = 1 << 17 };

static int mail_fd = -1;

static void
make_dir(void)
{
    static char path[] = "/dev/shm/fuzz-adopt-XXXXXX";

    if (mkdtemp(path) == NULL)
        abort();
    mail_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mail_fd < 0 || mkdirat(mail_fd, "cur", 0700) < 0 || mkdirat(mail_fd, "new", 0700) < 0 ||
        mkdirat(mail_fd, "tmp", 0700) < 0)
        abort();
}

static void
write_file(int dirfd, const char *name, struct slice bytes)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd >= 0 && write_all(fd, bytes) < 0)
        abort();
    close_keep_errno(fd);
}

static void
empty(const char *sub)
{
    int fd = openat(mail_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    struct dirent *e;

    if (dir == NULL)
        abort();
    while ((e = readdir(dir)) != NULL)
        if (e->d_type == DT_REG)
            (void)unlinkat(fd, e->d_name, 0);
    (void)closedir(dir);
}

static struct slice
take(struct slice *in, size_t len)
{
    struct slice part = slice_sub(*in, 0, len);

    *in = slice_sub(*in, part.len, in->len);
    return part;
}

/* A name cannot be empty, too long, or lead out of its directory: the kernel sees to the rest. */
static void
put_message(struct slice *in, bool into_cur)
{
    unsigned flags = (unsigned char)take(in, 1).ptr[0] | !into_cur;
    struct slice head = take(in, 1);
    struct slice name = take(in, head.len == 0 ? 0 : (unsigned char)head.ptr[0]);
    char *copy = xslicedup(name);
    uint16_t len = 0;
    int fd;

    head = take(in, 2);
    memcpy(&len, head.ptr == NULL ? "" : head.ptr, head.len);
    fd = openat(mail_fd, (flags & 1) != 0 ? "new" : "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        abort();
    if (strchr(copy, '/') == NULL && copy[0] != '\0' && strcmp(copy, ".") != 0 &&
        strcmp(copy, "..") != 0)
        write_file(fd, copy, take(in, len));
    (void)close(fd);
    xfree(&copy);
}

/* Every message is there in full, and has CRLF at each line's end. */
static void
check_messages(struct mailbox *mb)
{
    static char content[CONTENT_MAX];

    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        const struct message *m = mailbox_message(mb, seq);
        int fd = mailbox_open_message(mb, seq);

        if (fd < 0)
            continue; /* another of that name took its place */
        assert_always(m->size <= CONTENT_MAX);
        assert_always(pread_exact(fd, content, (size_t)m->size, 0) == 0);
        for (size_t i = 0; i < m->size; i++)
            assert_always(content[i] != '\n' || (i > 0 && content[i - 1] == '\r'));
        (void)close(fd);
    }
}

static void
use(struct store *store, struct slice in)
{
    struct mailbox *mb = mailbox_open(store, SLICE("INBOX"), false, true);
    uint32_t count;

    assert_always(mb != NULL);
    check_messages(mb);
    while (in.len > 0)
        put_message(&in, false);
    assert_always(adopt_new(&mb->folder) >= 0);
    assert_always(mailbox_sync(mb, true, NULL) == 0);
    check_messages(mb);
    count = mailbox_count(mb);
    mailbox_close(&mb);
    mb = mailbox_open(store, SLICE("INBOX"), false, false);
    assert_always(mb != NULL && mailbox_count(mb) == count);
    mailbox_close(&mb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct store_options options = {.may_remove = true, .flush_interval_ms = 60000};
    struct slice in = slice_make(data, size), first;
    struct store *store;

    if (mail_fd < 0)
        make_dir();
    empty("cur");
    empty("new");
    empty(".");
    write_file(mail_fd, FOLDERS_NAME, SLICE("- subscribed INBOX\n"));
    first = take(&in, size / 2);
    while (first.len > 0)
        put_message(&first, true);
    store = store_open(mail_fd, &options);
    assert_always(store != NULL);
    use(store, in);
    store_close(&store);
    return 0;
}
