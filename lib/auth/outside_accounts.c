/*
 * lib/auth/outside_accounts.c - who we are at a directory while it looks for a user's entry.
 *
 * The file is the administrator's; it is read before the sandbox.
 */
#include "lib/auth/outside_accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { FILE_MAX = 65536 };

/* The next word, and the blanks behind it, off *line. */
static struct slice
next_word(struct slice *line)
{
    struct slice word = slice_split(line, ' ');

    *line = slice_trim(*line);
    return word;
}

static const char *
take_line(struct outside_accounts *accounts, struct slice line)
{
    struct slice host = next_word(&line), name = next_word(&line);

    if (name.len == 0 || line.len == 0)
        return "expected HOST NAME PASSWORD; a blank in the name is written as \\20";
    if (accounts->count == OUTSIDE_ACCOUNTS_MAX)
        return "there are too many accounts";
    accounts->list[accounts->count++] =
        (struct outside_account){xslicedup(host), xslicedup(name), xslicedup(line)};
    return NULL;
}

static int
read_text(const char *path, struct strbuf *text, struct strbuf *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t n = -1;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)strbuf_printf(error, "%s: only its owner may read this file: chmod 600", path);
    } else {
        char *room = strbuf_room(text, FILE_MAX);

        n = fd < 0 ? -1 : read(fd, room, FILE_MAX);
        if (n >= 0)
            strbuf_grew(text, (size_t)n);
        else
            (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
        if (n == FILE_MAX) {
            n = -1;
            (void)strbuf_printf(error, "%s: the file is too long", path);
        }
    }
    close_keep_errno(fd);
    return n < 0 ? -1 : 0;
}

int
outside_accounts_read(struct outside_accounts *accounts, const char *path, struct strbuf *error)
{
    struct strbuf text = strbuf_new(FILE_MAX + 1);
    unsigned number = 0;
    int rc = read_text(path, &text, error);
    struct slice rest = strbuf_slice(&text);

    while (rc == 0 && rest.len > 0) {
        struct slice line = slice_trim(slice_split(&rest, '\n'));
        const char *expected;

        number++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        expected = take_line(accounts, line);
        if (expected != NULL) {
            (void)strbuf_printf(error, "%s:%u: %s", path, number, expected);
            rc = -1;
        }
    }
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    return rc;
}

const struct outside_account *
outside_accounts_find(const struct outside_accounts *accounts, const char *host)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (strcmp(accounts->list[i].host, host) == 0)
            return &accounts->list[i];
    return NULL;
}
