/*
 * alertd/welcome.c - greets new mailboxes, each once.
 *
 * accountd has a row for each from the transaction that made it (accountd/greetings.c); a page of
 * them is greeted, and accountd told of it with the next question. So that each is greeted once
 * whatever crashes, a file has those of the page who have been, a line each: a message lies in the
 * queue's tmp/ on disk, not whole yet, before its line is written, and what makes it whole and
 * moves it to new/ is one commit. Who finds the file knows of the last line: still in tmp/, it was
 * not sent; gone, it was. So nothing takes it out of tmp/ but the commit, before the file has lost
 * the line. (As alertd/broadcast.c, which sends pages.)
 *
 * Input: accountd's answers, and our own file: checked like everybody's.
 */
#include "alertd/welcome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_greet.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/queue_manager.h"
#include "lib/log/log.h"
#include "lib/mail/system_mail.h"
#include "lib/mail/template_file.h"
#include "lib/sys/daemon.h"

#define STATE_FILE "welcome"
#define MAIL_MAX ((size_t)TEMPLATE_MAX * 2)
#define STATE_MAX ((size_t)ACCOUNTD_GREET_MAX * (2 * ACCOUNTD_ADDRESS_MAX + QUEUE_ID_SIZE + 2))

enum { STATE_MODE = 0600, LOOK_MS = 2000, AGAIN_MS = 10000, ASK_MS = 30000, ERROR_MAX = 4096 };

struct welcome {
    struct template_text text;
    const struct mailer *mailer;
    int state_dirfd;
    struct ipc_async *accountd;
    struct loop *loop;
    struct loop_timer *timer;
    char *done[ACCOUNTD_GREET_MAX]; /* addresses, as STATE_FILE has them */
    uint32_t done_count;
    struct strbuf state; /* what is in it */
    bool settled, closing;
    _Atomic uint64_t *sent;
};

/* ---- who has been greeted: "ID ADDRESS-IN-HEX" ---- */

static int
save(const struct welcome *w)
{
    return replace_file(w->state_dirfd, STATE_FILE, strbuf_slice(&w->state), STATE_MODE);
}

static void
note(struct welcome *w, const char *id, struct slice address)
{
    (void)strbuf_printf(&w->state, "%s ", id); /* a page fits */
    (void)hex_encode(address, &w->state);
    (void)strbuf_char(&w->state, '\n');
    w->done[w->done_count++] = xslicedup(address);
}

static void
forget(struct welcome *w)
{
    while (w->done_count > 0) {
        w->done_count--;
        xfree(&w->done[w->done_count]);
    }
    strbuf_clear(&w->state);
}

/* The last line is taken back. */
static void
take_back(struct welcome *w)
{
    struct slice text = strbuf_slice(&w->state);
    size_t keep = slice_rindex(slice_sub(text, 0, text.len - 1), '\n') + 1;

    w->done_count--;
    xfree(&w->done[w->done_count]);
    strbuf_truncate(&w->state, w->done_count == 0 ? 0 : keep);
}

/* The last line is taken back if its message was not sent. 0, or -1 with errno. */
static int
settle_last(struct welcome *w, const char *id)
{
    int dirfd = w->mailer->outbox.tmp_dirfd;
    struct stat st;

    if (fstatat(dirfd, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1;
    take_back(w);
    if (save(w) < 0) /* on disk first: a file that is gone was sent */
        return -1;
    (void)unlinkat(dirfd, id, 0); /* what stays there is swept up one day */
    return 0;
}

static bool
read_line(struct welcome *w, struct slice line, char id[QUEUE_ID_SIZE])
{
    struct strbuf address = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    struct slice word = slice_split(&line, ' ');
    bool good = queue_id_valid(word) && w->done_count < ACCOUNTD_GREET_MAX && line.len > 0 &&
                hex_decode(line, &address) == 0;

    if (good) {
        (void)snprintf(id, QUEUE_ID_SIZE, "%.*s", (int)word.len, word.ptr);
        note(w, id, strbuf_slice(&address));
    }
    strbuf_free(&address);
    return good;
}

/* What a crash or a failure has left, as the head of this file says. 0, or -1 with errno. */
static int
settle(struct welcome *w)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    struct slice rest;
    char id[QUEUE_ID_SIZE];
    int rc = read_file(w->state_dirfd, STATE_FILE, &text);

    forget(w);
    rest = strbuf_slice(&text);
    while (rc == 0 && rest.len > 0)
        if (!read_line(w, slice_split(&rest, '\n'), id)) {
            log_note(LOG_WARN, "welcome_state_damaged"); /* the lines before it count */
            break;
        }
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    if (rc == 0 && w->done_count > 0)
        rc = settle_last(w, id);
    strbuf_free(&text);
    w->settled = rc == 0;
    return rc;
}

/* ---- one greeting ---- */

static void
compose(const struct welcome *w, const struct accountd_greeted *user, const char *id,
        int64_t now_ms, struct strbuf *out)
{
    struct slice domain =
        slice_sub(user->address, slice_rindex(user->address, '@') + 1, user->address.len);
    char *postmaster = xasprintf("postmaster@%.*s", (int)domain.len, domain.ptr);
    const struct template_value values[] = {
        {"address", user->address},
        {"full_name", user->full_name.len > 0 ? user->full_name : user->address},
        {"domain", domain},
        {"hostname", slice_of(w->mailer->hostname)},
    };

    system_mail_write(&(const struct system_mail){.from_name = "Postmaster",
                                                  .from = slice_of(postmaster),
                                                  .to = user->address,
                                                  .queue_id = id,
                                                  .hostname = w->mailer->hostname,
                                                  .now_ms = now_ms,
                                                  .wording = &w->text,
                                                  .values = values,
                                                  .value_count = ARRAY_LEN(values)},
                      out);
    free(postmaster);
}

static int
commit(struct queue_writer **writer, struct slice to, int64_t now_ms)
{
    struct queue_rcpt rcpt = {.address = to};
    const struct queue_envelope envelope = {.received_ms = now_ms,
                                            .body_8bit = true,
                                            .client = SLICE("welcome"),
                                            .origin = QUEUE_ORIGIN_SYSTEM,
                                            .rcpt_count = 1,
                                            .rcpts = &rcpt};

    return queue_writer_commit_or_leave(writer, &envelope);
}

/* 0, or -1 with errno: settle() finds out then what of it is on disk. */
static int
put(struct welcome *w, const char *id, struct slice message, struct slice to, int64_t now_ms)
{
    const struct outbox *outbox = &w->mailer->outbox;
    struct queue_writer *writer = queue_writer_open(outbox->tmp_dirfd, outbox->new_dirfd, id);

    if (writer == NULL)
        return -1;
    if (queue_writer_write(writer, message) < 0 || queue_writer_sync(writer) < 0 ||
        fsync(outbox->tmp_dirfd) < 0) {
        queue_writer_abort(&writer);
        return -1;
    }
    note(w, id, to);
    w->settled = false;
    if (save(w) < 0) {
        queue_writer_leave(&writer); /* the line may be there all the same */
        return -1;
    }
    if (commit(&writer, to, now_ms) < 0)
        return -1;
    w->settled = true;
    return 0;
}

static int
greet(struct welcome *w, const struct accountd_greeted *user)
{
    struct strbuf message = strbuf_new(MAIL_MAX);
    int64_t now_ms = clock_real_ms();
    char id[QUEUE_ID_SIZE];
    int rc = -1;

    queue_id_make(id);
    compose(w, user, id, now_ms, &message);
    errno = EMSGSIZE;
    if (!message.overflow)
        rc = put(w, id, strbuf_slice(&message), user->address, now_ms);
    strbuf_free(&message);
    if (rc < 0)
        return -1;
    queue_trigger(w->mailer->outbox.trigger_fd);
    stats_add(w->sent, 1);
    log_event(LOG_INFO, "notice", KV_STR("queue_id", id), KV_STR("kind", "welcome"),
              KV_SLICE("to", user->address));
    return 0;
}

/* ---- asking accountd ---- */

/* accountd has taken note of those that were done. 0, or -1 with errno. */
static int
take_page(struct welcome *w, const struct accountd_greet_reply *page)
{
    forget(w);
    unlink_keep_errno(w->state_dirfd, STATE_FILE); /* if it stays, accountd is told once more */
    for (uint32_t i = 0; i < page->count; i++)
        if (greet(w, &page->users[i]) < 0)
            return -1;
    return 0;
}

static void
page_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct welcome *w = arg;
    struct accountd_greet_reply *page = xcalloc(1, sizeof(*page));
    int64_t wait = AGAIN_MS;

    close_keep_errno(fd); /* none is expected */
    if (!w->closing && header != NULL && header->type == ACCOUNTD_GREET_REPLY &&
        accountd_greet_reply_decode(payload, page) == 0 && !page->failed) {
        if (take_page(w, page) < 0)
            log_event(LOG_ERROR, "welcome_failed", KV_ERRNO());
        else
            wait = page->count > 0 ? 0 : LOOK_MS;
    }
    if (!w->closing)
        loop_timer_set(w->timer, wait);
    free(page);
}

static void
ask(void *arg)
{
    struct welcome *w = arg;
    struct strbuf request = strbuf_new(STATE_MAX);
    struct accountd_greet query = {.done_count = w->done_count};

    if (!w->settled && settle(w) < 0) {
        log_event(LOG_ERROR, "welcome_failed", KV_ERRNO());
        loop_timer_set(w->timer, AGAIN_MS);
    } else {
        for (query.done_count = 0; query.done_count < w->done_count; query.done_count++)
            query.done[query.done_count] = slice_of(w->done[query.done_count]);
        assert_always(accountd_greet_encode(&request, &query) == 0);
        ipc_async_call(w->accountd, &request, ASK_MS, page_came, w);
    }
    strbuf_free(&request);
}

/* ---- the whole ---- */

struct welcome *
welcome_new(struct daemon *d)
{
    const char *name = conf_str(d->conf, ACCOUNT_WELCOME);
    const char *language = conf_str(d->conf, SYSTEM_TEMPLATE_LANGUAGE);
    struct strbuf error = strbuf_new(ERROR_MAX);
    struct welcome *w;
    char *path;

    if (name[0] == '\0')
        return NULL;
    w = xcalloc(1, sizeof(*w));
    path = template_file_named(d->inst.etc, language, TEMPLATE_WELCOME, name);
    if (template_file_read(path, language, TEMPLATE_WELCOME, &w->text, &error) < 0) {
        log_event(LOG_ERROR, "welcome_template", KV_SLICE("error", strbuf_slice(&error)));
        xfree(&w); /* they wait until it is right */
    } else {
        w->loop = d->loop;
        w->state = strbuf_new(STATE_MAX);
        w->sent = stats_counter(d->stats, "welcome_messages");
    }
    free(path);
    strbuf_free(&error);
    return w;
}

void
welcome_start(struct welcome *w, const struct mailer *mailer, int state_dirfd)
{
    if (w == NULL)
        return;
    w->mailer = mailer;
    w->state_dirfd = state_dirfd;
    w->accountd = ipc_async_new(w->loop, AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 1);
    w->timer = loop_timer_new(w->loop, ask, w);
    ask(w);
}

void
welcome_free(struct welcome **wp)
{
    struct welcome *w = *wp;

    if (w == NULL)
        return;
    w->closing = true;
    ipc_async_free(&w->accountd);
    loop_timer_free(&w->timer);
    forget(w);
    strbuf_free(&w->state);
    template_file_free(&w->text);
    xfree(wp);
}
