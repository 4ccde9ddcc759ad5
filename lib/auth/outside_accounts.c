/*
 * lib/auth/outside_accounts.c - who we are at a directory while it looks for a user's entry.
 *
 * The file is the administrator's; it is read before the sandbox.
 */
#include "lib/auth/outside_accounts.h"

#include <errno.h>
#include <string.h>

#include "lib/base/mem.h"

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

int
outside_accounts_read(struct outside_accounts *accounts, const struct secret_place *place,
                      struct strbuf *error)
{
    struct strbuf text = strbuf_new(SECRET_FILE_MAX);
    unsigned number = 0;
    int rc = secret_file_open(place, &text, error);
    struct slice rest = strbuf_slice(&text);

    if (rc < 0 && errno == ENOENT) { /* there are none */
        strbuf_clear(error);
        rc = 0;
    }
    while (rc == 0 && rest.len > 0) {
        struct slice line = slice_trim(slice_split(&rest, '\n'));
        const char *expected;

        number++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        expected = take_line(accounts, line);
        if (expected != NULL) {
            (void)strbuf_printf(error, "%s:%u: %s", place->path, number, expected);
            rc = -1;
        }
    }
    secret_wipe(&text);
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
