/*
 * lib/store/url_keys.c - a user's mailbox access keys.
 *
 * Input:  the file, which a session that was taken over may have written. A line that is none is
 *         passed over, and gone at the next change.
 */
#include "lib/store/url_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"

#define RESET_MARK "reset"

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

/* One line: borrows from the file's text. */
struct key_line {
    struct slice id;
    uint8_t key[URL_KEY_SIZE];
    bool was_reset; /* RESETKEY made the key */
};

/* False: it is none. */
static bool
parse_line(struct slice line, struct key_line *out)
{
    struct strbuf bytes = strbuf_new(URL_KEY_SIZE);
    struct slice key;
    bool ok;

    out->id = slice_split(&line, ' ');
    key = slice_split(&line, ' ');
    out->was_reset = slice_eq(line, SLICE(RESET_MARK));
    ok = out->id.len > 0 && (line.len == 0 || out->was_reset) && hex_decode(key, &bytes) == 0 &&
         bytes.len == URL_KEY_SIZE;
    if (ok)
        memcpy(out->key, bytes.ptr, URL_KEY_SIZE);
    free_keys(&bytes);
    return ok;
}

static bool
find_line(struct slice text, struct slice mailbox_id, struct key_line *out)
{
    while (text.len > 0)
        if (parse_line(slice_split(&text, '\n'), out) && slice_eq(out->id, mailbox_id))
            return true;
    return false;
}

static bool
find(struct slice text, struct slice mailbox_id, uint8_t key[URL_KEY_SIZE])
{
    struct key_line line;
    bool found = find_line(text, mailbox_id, &line);

    if (found)
        memcpy(key, line.key, URL_KEY_SIZE);
    mem_wipe(&line, sizeof(line));
    return found;
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
put_line(struct strbuf *out, const struct key_line *line)
{
    return strbuf_append(out, line->id) && strbuf_char(out, ' ') &&
           hex_encode(slice_make(line->key, URL_KEY_SIZE), out) &&
           strbuf_str(out, line->was_reset ? " " RESET_MARK "\n" : "\n");
}

/* Replaces the file by its lines without that of `mailbox_id`, and with `new` unless that is NULL.
 */
static int
replace_line(const struct store *store, struct slice text, struct slice mailbox_id,
             const struct key_line *new)
{
    struct strbuf out = strbuf_new(FILE_MAX);
    struct key_line other;
    bool fits = true;
    int rc = -1;

    while (text.len > 0)
        if (parse_line(slice_split(&text, '\n'), &other) && !slice_eq(other.id, mailbox_id))
            fits = put_line(&out, &other) && fits;
    if (new != NULL)
        fits = put_line(&out, new) && fits;
    mem_wipe(&other, sizeof(other));
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
replace_key(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key,
            bool is_reset)
{
    struct key_line line = {.id = mailbox_id, .was_reset = is_reset};
    int rc;

    random_bytes(key, URL_KEY_SIZE);
    memcpy(line.key, key, URL_KEY_SIZE);
    rc = replace_line(store, text, mailbox_id, &line);
    mem_wipe(&line, sizeof(line));
    return rc;
}

static int
make(const struct store *store, struct slice text, struct slice mailbox_id, uint8_t *key)
{
    if (find(text, mailbox_id, key)) /* another session was quicker */
        return 0;
    return replace_key(store, text, mailbox_id, key, false);
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
    return replace_key(store, text, mailbox_id, key, true);
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

/* ---- what a session knows ---- */

/* It is replaced as a whole: the same inode of the same moment is the same file. */
static void
identify(const struct store *store, uint64_t file[3])
{
    struct stat st;

    file[0] = file[1] = file[2] = 0;
    if (fstatat(store->dirfd, URL_KEYS_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    file[0] = st.st_ino;
    file[1] = (uint64_t)st.st_ctim.tv_sec;
    file[2] = (uint64_t)st.st_ctim.tv_nsec;
}

bool
url_keys_were_reset(const struct store *store, struct url_keys_seen *seen)
{
    struct strbuf text;
    struct key_line now;
    uint64_t file[3];
    bool has_key, were_reset = false;

    identify(store, file);
    if (memcmp(file, seen->file, sizeof(file)) == 0)
        return false;
    text = strbuf_new(FILE_MAX);
    if (read_keys(store->dirfd, &text) == 0) {
        has_key = find_line(strbuf_slice(&text), slice_of(seen->mailbox_id), &now);
        if (seen->has_key)
            were_reset = !has_key || memcmp(now.key, seen->key, URL_KEY_SIZE) != 0;
        else
            were_reset = has_key && now.was_reset; /* GENURLAUTH makes the first one, too */
        seen->has_key = has_key;
        memcpy(seen->file, file, sizeof(file));
        if (has_key)
            memcpy(seen->key, now.key, URL_KEY_SIZE);
        mem_wipe(&now, sizeof(now));
    }
    free_keys(&text);
    return were_reset;
}

void
url_keys_see(const struct store *store, const char *mailbox_id, struct url_keys_seen *seen)
{
    *seen = (struct url_keys_seen){.has_key = false};
    memcpy(seen->mailbox_id, mailbox_id, MAILBOX_ID_SIZE);
    (void)url_keys_were_reset(store, seen); /* whatever there is, is known now */
}
