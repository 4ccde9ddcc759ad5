/*
 * lib/store/url_keys.c - a user's mailbox access keys.
 *
 * Input:  the file, which a session that was taken over may have written. A line that is none is
 *         passed over, and gone at the next change.
 */
#include "lib/store/url_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"

enum {
    FILE_MAX = 4 * 1024 * 1024, /* bytes: more mailboxes than there may be */
    READ_STEP = 16384
};

/* What is not there is empty. 0, or -1 with errno. */
static int
read_keys(int mail_fd, struct strbuf *text)
{
    int fd = beneath_open(mail_fd, URL_KEYS_NAME, O_RDONLY | O_NONBLOCK, 0);
    ssize_t n = 1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    while (n > 0) {
        char *room = strbuf_room(text, READ_STEP);

        if (room == NULL) {
            errno = EFBIG;
            n = -1;
        } else if ((n = read(fd, room, READ_STEP)) > 0) {
            strbuf_grew(text, (size_t)n);
        }
    }
    close_keep_errno(fd);
    return n < 0 ? -1 : 0;
}

static void
free_keys(struct strbuf *text)
{
    if (text->ptr != NULL)
        mem_wipe(text->ptr, text->cap);
    strbuf_free(text);
}

/* Id and key of one line. False: it is none. */
static bool
parse_line(struct slice line, struct slice *id, uint8_t key[URL_KEY_SIZE])
{
    struct strbuf bytes = strbuf_new(URL_KEY_SIZE);
    bool ok;

    *id = slice_split(&line, ' ');
    ok = id->len > 0 && hex_decode(line, &bytes) == 0 && bytes.len == URL_KEY_SIZE;
    if (ok)
        memcpy(key, bytes.ptr, URL_KEY_SIZE);
    free_keys(&bytes);
    return ok;
}

static bool
find(struct slice text, struct slice mailbox_id, uint8_t key[URL_KEY_SIZE])
{
    struct slice id;

    while (text.len > 0)
        if (parse_line(slice_split(&text, '\n'), &id, key) && slice_eq(id, mailbox_id))
            return true;
    return false;
}

int
url_keys_find(int mail_fd, const char *mailbox_id, uint8_t key[URL_KEY_SIZE])
{
    struct strbuf text = strbuf_new(FILE_MAX);
    int rc = read_keys(mail_fd, &text);

    if (rc == 0 && !find(strbuf_slice(&text), slice_of(mailbox_id), key)) {
        errno = ENOENT;
        rc = -1;
    }
    free_keys(&text);
    return rc;
}

static bool
put_line(struct strbuf *out, struct slice id, const uint8_t key[URL_KEY_SIZE])
{
    return strbuf_append(out, id) && strbuf_char(out, ' ') &&
           hex_encode(slice_make(key, URL_KEY_SIZE), out) && strbuf_char(out, '\n');
}

/* Replaces the file by its lines without that of `mailbox_id`, and with a new one for it unless
 * `key` is NULL. */
static int
replace_line(const struct store *store, struct slice text, struct slice mailbox_id,
             const uint8_t *key)
{
    struct strbuf out = strbuf_new(FILE_MAX);
    uint8_t other[URL_KEY_SIZE];
    struct slice id;
    bool fits = true;
    int rc = -1;

    while (text.len > 0)
        if (parse_line(slice_split(&text, '\n'), &id, other) && !slice_eq(id, mailbox_id))
            fits = put_line(&out, id, other) && fits;
    if (key != NULL)
        fits = put_line(&out, mailbox_id, key) && fits;
    mem_wipe(other, sizeof(other));
    if (fits)
        rc = replace_file(store->dirfd, URL_KEYS_NAME, strbuf_slice(&out), 0600);
    else
        errno = ENOSPC;
    free_keys(&out);
    return rc;
}

/* What is done with the file under the lock. */
typedef int (*change_fn)(const struct store *store, struct slice text, struct slice mailbox_id,
                         uint8_t *key);

static int
change(const struct store *store, const char *mailbox_id, uint8_t *key, change_fn apply)
{
    struct strbuf text = strbuf_new(FILE_MAX);
    struct journal j;
    int rc;

    if (store->options.read_only || store->options.guest != NULL) {
        errno = EROFS;
        return -1;
    }
    if (journal_open(&j, store->dirfd, true) < 0)
        return -1;
    rc = journal_lock_current(&j);
    if (rc == 0)
        rc = read_keys(store->dirfd, &text);
    if (rc == 0)
        rc = apply(store, strbuf_slice(&text), slice_of(mailbox_id), key);
    journal_close(&j);
    free_keys(&text);
    return rc;
}

static int
make(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key)
{
    if (find(text, mailbox_id, key)) /* another session was quicker */
        return 0;
    random_bytes(key, URL_KEY_SIZE);
    return replace_line(store, text, mailbox_id, key);
}

int
url_keys_make(const struct store *store, const char *mailbox_id, uint8_t key[URL_KEY_SIZE])
{
    if (url_keys_find(store->dirfd, mailbox_id, key) == 0)
        return 0;
    return errno != ENOENT ? -1 : change(store, mailbox_id, key, make);
}

static int
renew(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key)
{
    random_bytes(key, URL_KEY_SIZE);
    return replace_line(store, text, mailbox_id, key);
}

int
url_keys_renew(const struct store *store, const char *mailbox_id)
{
    uint8_t key[URL_KEY_SIZE];
    int rc = change(store, mailbox_id, key, renew);

    mem_wipe(key, sizeof(key));
    return rc;
}

static int
clear(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key)
{
    (void)text;
    (void)mailbox_id;
    (void)key;
    if (unlinkat(store->dirfd, URL_KEYS_NAME, 0) < 0)
        return errno == ENOENT ? 0 : -1;
    return fsync(store->dirfd);
}

int
url_keys_clear(const struct store *store)
{
    return change(store, "", NULL, clear);
}

static int
forget(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key)
{
    uint8_t old[URL_KEY_SIZE];
    bool has_one = find(text, mailbox_id, old);

    (void)key;
    mem_wipe(old, sizeof(old));
    return has_one ? replace_line(store, text, mailbox_id, NULL) : 0;
}

void
url_keys_forget(const struct store *store, const char *mailbox_id)
{
    uint8_t key[URL_KEY_SIZE];

    if (url_keys_find(store->dirfd, mailbox_id, key) < 0)
        return; /* mostly: no URL was ever authorized. No other mailbox gets its id */
    mem_wipe(key, sizeof(key));
    (void)change(store, mailbox_id, NULL, forget); /* one that stays opens nothing */
}
