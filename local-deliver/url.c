/*
 * local-deliver/url.c - what an authorized URL means (RFC 4467): the child that reads it.
 *
 * The one process of this program that looks into messages: it closes what it inherited, keeps the
 * right to read one user's mail and nothing else, and ends with the URL.
 *
 * Input:  a URL that anybody may have written until its token is found right, and message text.
 * Output: ENOENT for everything that is wrong, not before REFUSAL_MS: neither answer nor time tells
 *         which users and folders there are.
 */
#include "local-deliver/url.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "lib/mail/imap_url.h"
#include "lib/mail/imap_url_token.h"
#include "lib/mail/mime.h"
#include "lib/mail/section_text.h"
#include "lib/store/mailbox.h"
#include "lib/store/url_keys.h"
#include "local-deliver/jail.h"
#include "local-deliver/user_dir.h"

enum {
    REFUSAL_MS = 100,           /* longer than it takes to look for a folder and its key */
    READER_MS = 10 * 60 * 1000, /* for the whole text */
};

void
url_init(const struct daemon *d)
{
    const struct mime_limits limits = {
        .depth = (uint32_t)conf_u64(d->conf, IMAP_MIME_MAX_DEPTH),
        .parts = (uint32_t)conf_u64(d->conf, IMAP_MIME_MAX_PARTS),
        .header = (size_t)conf_u64(d->conf, IMAP_MIME_MAX_HEADER),
    };

    digest_init();
    mime_set_limits(&limits); /* a section is the same here as in imapd */
}

/* ---- the text ---- */

/* Is the token that of a folder which is there? With a key out of thin air where there is none: it
 * takes its time, too (RFC 4467 section 6). */
static bool
is_authorized(const struct imap_url *url, int mail_fd, const struct mailbox *mb)
{
    uint8_t key[URL_KEY_SIZE];
    struct mailbox_info info;
    bool has_key = false, matches;

    if (mb != NULL) {
        mailbox_get_info(mb, &info);
        has_key = url_keys_find(mail_fd, info.mailbox_id, key) == 0 &&
                  (url->uidvalidity == 0 || url->uidvalidity == info.uidvalidity);
    }
    if (!has_key)
        random_bytes(key, sizeof(key));
    matches = imap_url_token_matches(key, url->rump, url->token);
    mem_wipe(key, sizeof(key));
    return has_key && matches;
}

/* The file of message `seq`, mapped until the process ends. */
static int
map_message(struct mailbox *mb, uint32_t seq, struct slice *message)
{
    size_t size = (size_t)mailbox_message(mb, seq)->size;
    int fd = mailbox_open_message(mb, seq);
    void *map;

    if (fd < 0)
        return -1;
    if (size == 0) {
        *message = SLICE("");
    } else {
        map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        *message = slice_make(map, map == MAP_FAILED ? 0 : size);
    }
    close_keep_errno(fd);
    return size > 0 && message->len == 0 ? -1 : 0;
}

/* What the URL means, borrowed from the mapped message or, selected header fields, from `fields`. 0
 * or an errno value. */
static int
cut(struct mailbox *mb, const struct imap_url *url, struct strbuf *fields, struct slice *text)
{
    uint32_t seq = mailbox_seq_of_uid(mb, url->uid);
    struct section_text section;
    struct slice message;

    if (seq == 0 || section_text_parse(url->section, &section) < 0)
        return ENOENT;
    if (map_message(mb, seq, &message) < 0)
        return errno == ENOENT ? ENOENT : EIO;
    if (!section_text_find(&section, message, fields, text))
        return ENOENT;
    if (url->partial)
        *text = slice_sub(*text, url->offset, url->offset + url->length);
    return 0;
}

/* The whole of it, for a URL that came from outside. What is open ends with the process. 0 or an
 * errno value. */
static int
look(struct slice written, int mail_fd, struct strbuf *fields, struct slice *text)
{
    const struct store_options options = {.read_only = true};
    struct store *store = mail_fd < 0 ? NULL : store_open(mail_fd, &options);
    struct mailbox *mb = NULL;
    struct imap_url url;

    if (imap_url_parse(written, &url) < 0 || !imap_url_is_authorized(&url))
        return ENOENT;
    if (store != NULL)
        mb = mailbox_open(store, url.mailbox, true, false);
    return is_authorized(&url, mail_fd, mb) ? cut(mb, &url, fields, text) : ENOENT;
}

/* ---- the answer ---- */

static void
wait_until(int64_t mono_ms)
{
    int64_t left;

    while ((left = mono_ms - clock_mono_ms()) > 0) {
        const struct timespec step = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000L};

        (void)nanosleep(&step, NULL); /* the loop looks again */
    }
}

/* At the reader's pace, who may go away at any time. */
static void
send_text(int fd, struct slice text)
{
    int64_t deadline = clock_mono_ms() + READER_MS, left;
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return;
    while (text.len > 0 && (left = deadline - clock_mono_ms()) > 0) {
        ssize_t n = write(fd, text.ptr, text.len);

        if (n > 0)
            text = slice_sub(text, (size_t)n, text.len);
        else if (errno == EAGAIN)
            (void)poll(&p, 1, (int)left); /* the loop looks again */
        else if (errno != EINTR)
            return;
    }
}

void
url_serve(const struct daemon *d, const struct store_dirs *dirs, const struct store_url *url,
          int result_fd, int text_fd)
{
    int64_t began = clock_mono_ms();
    int mail_fd = url->path.len == 0 ? -1 : user_dir_open(dirs, url->path);
    struct strbuf fields = strbuf_new(MIME_HEADER_MAX + 2);
    struct store_ctl_reply reply = {.error = EIO};
    struct slice text = SLICE("");

    if (jail_enter(d, mail_fd, (const int[]){result_fd, text_fd}, 2) == 0)
        reply.error = (uint32_t)look(url->url, mail_fd, &fields, &text);
    reply.bytes = reply.error == 0 ? text.len : 0;
    if (reply.error == ENOENT)
        wait_until(began + REFUSAL_MS);
    log_flush();
    if (write_all(result_fd, slice_make(&reply, sizeof(reply))) == 0 && reply.error == 0)
        send_text(text_fd, text);
}
