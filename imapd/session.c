/*
 * imapd/session.c - one client's connection from greeting to end.
 *
 * Runs in a worker that has given up everything but this connection, the channel to authd and,
 * after login, the one directory that authd handed over.
 */
#include "imapd/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imapd/capability.h"
#include "imapd/command.h"
#include "imapd/input.h"
#include "imapd/metadata_news.h"
#include "imapd/notify.h"
#include "imapd/places.h"
#include "imapd/search_context.h"
#include "imapd/unauthenticate.h"
#include "imapd/url_news.h"
#include "lib/base/clock.h"
#include "lib/base/http_probe.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/heap.h"
#include "lib/sys/session_table.h"
#include "lib/tls/tls_conf.h"

enum {
    OUT_MAX = 64 << 20, /* one response without the message texts in it */
    CODE_MAX = 1 << 20, /* COPYUID of a whole mailbox in pieces */
    OUT_KEEP = 4096     /* bytes of memory that a response may leave behind */
};

struct store *
session_store(struct session *s)
{
    if (s->store == NULL)
        s->store = store_open(s->mail_dirfd, &s->store_options);
    return s->store;
}

void
session_deselect(struct session *s)
{
    message_release(&s->message);
    saved_result_clear(&s->saved);
    search_context_drop_all(s);
    if (s->mailbox != NULL)
        notify_deselect(s);
    xfree(&s->mailbox_name);
    if (s->mailbox == NULL)
        return;
    mailbox_close(&s->mailbox);
    url_news_end(s);
    s->modseq_held = false;
    s->count_told_aside = false;
    s->state = STATE_AUTHENTICATED;
}

const char *
session_tls_version(const struct session *s)
{
    const struct tls *tls = stream_tls(s->stream);

    return tls != NULL ? tls_version(tls) : s->pool->carried.tls;
}

bool
session_channel_binding(const struct session *s, unsigned char out[32])
{
    const struct tls *tls = stream_tls(s->stream);

    if (tls != NULL)
        return tls_channel_binding(tls, out) == 0;
    memcpy(out, s->pool->carried.binding, 32);
    return s->pool->carried.bound != 0;
}

void
session_bye(struct session *s, const char *text)
{
    if (s->state == STATE_LOGOUT)
        return;
    (void)stream_printf(s->stream, "* BYE %s\r\n", text); /* best effort */
    s->state = STATE_LOGOUT;
}

void
session_bye_ended(struct session *s)
{
    session_bye(s, pool_session_is_revoked(s->pool)
                       ? "[NOPERM] Rights were taken away, log in again"
                       : "[UNAVAILABLE] Server is shutting down");
}

void
session_release_memory(struct session *s)
{
    message_release(&s->message);
    strbuf_free(&s->out);
    strbuf_free(&s->command);
    strbuf_free(&s->code);
    if (s->mailbox != NULL)
        mailbox_release_memory(s->mailbox);
    stream_release_buffers(s->stream);
    heap_give_back();
}

static void
end_command(struct session *s)
{
    arena_free(&s->arena);
    if (s->command.ptr != NULL && !s->past_login)
        mem_wipe(s->command.ptr, s->command.cap); /* may hold a password */
    s->past_login = s->state != STATE_NOT_AUTHENTICATED;
    strbuf_clear(&s->command);
    strbuf_clear(&s->code);
    strbuf_clear(&s->out);
    if (s->out.cap > OUT_KEEP)
        strbuf_free(&s->out);
}

static void
greet(struct session *s)
{
    (void)strbuf_str(&s->out, "* OK [");
    capability_write(s, &s->out);
    (void)strbuf_printf(&s->out, "] %s ready\r\n", s->server->settings.banner);
    (void)stream_write(s->stream, strbuf_slice(&s->out)); /* an error shows at the first read */
    strbuf_clear(&s->out);
}

/* TLS from the first byte on the imaps port. */
static bool
begin(struct session *s)
{
    if (s->pool->continues)
        return unauthenticate_take_over(s); /* there is no second greeting */
    if (strcmp(s->pool->label, "imaps") == 0) {
        if (s->server->tls == NULL ||
            stream_start_tls(s->stream, s->server->tls, s->login_deadline, NULL) < 0) {
            pool_session_failed(s->pool);
            log_event(LOG_INFO, "tls_failed", KV_STR("reason", tls_last_error()));
            return false;
        }
        session_table_tls();
        s->tls_started = true;
    }
    greet(s);
    return true;
}

/* A browser that was tricked into talking to us is no client (SMTP-29). */
static bool
is_http(struct session *s)
{
    struct slice text = strbuf_slice(&s->command);

    if (s->state != STATE_NOT_AUTHENTICATED || !http_probe(text))
        return false;
    log_event(LOG_WARN, "http_request", KV_SLICE("line", slice_sub(text, 0, 80)));
    return true;
}

/* What a large EXPUNGE or MOVE leaves to be done when its client has the answer. */
static void
tidy(struct session *s)
{
    if (s->mailbox == NULL || mailbox_is_tidy(s->mailbox))
        return;
    (void)stream_flush(s->stream); /* an error shows at the next read */
    mailbox_tidy(s->mailbox);
}

void
session_run(struct session *s)
{
    while (s->state != STATE_LOGOUT && s->successor_fd < 0) {
        switch (input_read_command(s)) {
        case INPUT_COMMAND:
            if (is_http(s))
                return;
            if (s->past_login && pool_session_is_revoked(s->pool)) { /* who never pauses, too */
                session_bye_ended(s);
                return;
            }
            command_run(s);
            break;
        case INPUT_REFUSED:
            if (s->errors >= s->server->settings.errors_max)
                session_bye(s, "Too many wrong commands");
            break;
        case INPUT_END:
            return;
        }
        end_command(s);
        tidy(s);
    }
}

void
session_leave_user(struct session *s)
{
    if (s->user[0] != '\0')
        work_log(&s->work, s->user, s->stream);
    session_deselect(s);
    notify_free(s);
    metadata_news_end(s);
    places_free(s);
    store_close(&s->store);
    close_keep_errno(s->mail_dirfd);
    s->mail_dirfd = -1;
    s->enabled = 0;
    mem_wipe(s->user, sizeof(s->user));
}

void
session_end(struct session *s)
{
    session_leave_user(s);
    stream_free(&s->stream);
    arena_free(&s->arena);
    strbuf_free(&s->command);
    strbuf_free(&s->out);
    strbuf_free(&s->code);
    log_flush();
}

enum pool_next
session_serve(struct pool_session *pool, void *server)
{
    struct session s = {
        .pool = pool,
        .server = server,
        .stream = stream_new(pool->fd, SESSION_INPUT_BUFFER),
        .state = STATE_NOT_AUTHENTICATED,
        .command = strbuf_new(0),
        .out = strbuf_new(OUT_MAX),
        .code = strbuf_new(CODE_MAX),
        .mail_dirfd = -1,
        .successor_fd = -1,
    };

    stream_set_end_fd(s.stream, pool->end_fd);
    stream_set_key_fd(s.stream, pool->key_fd);
    stream_set_oldest_tls(s.stream, tls_conf_oldest(pool->daemon->conf, pool->label));
    s.login_deadline = clock_mono_ms() + s.server->settings.login_timeout_ms;
    if (begin(&s))
        session_run(&s);
    if (s.successor_fd >= 0)
        unauthenticate_hand_over(&s);
    session_end(&s);
    return s.has_logged_in ? POOL_EXIT : POOL_REUSE;
}
