/*
 * alertd/password_warning.c - warns users whose password has to be changed before long.
 *
 * Whom has been warned nobody keeps: a round asks for those for whom a stage (so many days before
 * the end) has begun since the last round, and where a round is, is in a file. It goes on there
 * after a restart; what a crash comes upon, a page of 20, is mailed twice at worst.
 *
 * Input: accountd's answers, checked like everybody's.
 */
#include "alertd/password_warning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/alert_conf.h"
#include "lib/ipc/accountd_expiring.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

#define STATE_FILE "passwords"

enum {
    STATE_MODE = 0600,
    STATE_MAX = 4096,
    ROUND_MS = 600000, /* between two rounds */
    PAGE_MS = 50,      /* between two pages: others want accountd, too */
    AGAIN_MS = 30000,  /* after a failure */
    ASK_MS = 30000,
    DATE_LEN = 10
};

struct password_warning {
    const struct mailer *mailer;
    int state_dirfd;
    struct ipc_async *accountd;
    struct loop_timer *timer;
    struct expiring_stages stages;
    int64_t since_ms, until_ms; /* of the round under way, or the next; until 0: none is */
    struct strbuf cursor;
    struct strbuf warned; /* the last address of the page under way that was; "": none */
    bool closing;
    _Atomic uint64_t *sent;
};

/* ---- where the round is: "SINCE UNTIL CURSOR-IN-HEX" ---- */

/* At the very first all stages have begun since the last round: whoever is in one is warned. */
static void
load(struct password_warning *w)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    struct slice rest, since, until;
    uint64_t since_ms, until_ms;

    if (read_file(w->state_dirfd, STATE_FILE, &text) == 0) {
        rest = slice_trim(strbuf_slice(&text));
        since = slice_split(&rest, ' ');
        until = slice_split(&rest, ' ');
        if (parse_u64(since, INT64_MAX, &since_ms) == 0 &&
            parse_u64(until, INT64_MAX, &until_ms) == 0 && hex_decode(rest, &w->cursor) == 0) {
            w->since_ms = (int64_t)since_ms;
            w->until_ms = (int64_t)until_ms;
        } else {
            log_note(LOG_WARN, "password_state_damaged");
            w->since_ms = clock_real_ms(); /* rather no warning than a second one for everybody */
        }
    }
    strbuf_free(&text);
}

static int
save(const struct password_warning *w)
{
    struct strbuf text = strbuf_new(STATE_MAX);
    int rc;

    (void)strbuf_printf(&text, "%lld %lld ", (long long)w->since_ms, (long long)w->until_ms);
    (void)hex_encode(strbuf_slice(&w->cursor), &text); /* a key fits */
    (void)strbuf_char(&text, '\n');
    rc = replace_file(w->state_dirfd, STATE_FILE, strbuf_slice(&text), STATE_MODE);
    if (rc < 0)
        log_event(LOG_ERROR, "password_state_not_written", KV_ERRNO());
    strbuf_free(&text);
    return rc;
}

/* ---- one page ---- */

static int
warn(const struct password_warning *w, const struct expiring_user *user, int64_t now)
{
    int64_t left = (user->end_ms - now + 86399999) / 86400000;
    struct strbuf end = strbuf_new(40), days = strbuf_new(24);
    struct template_value values[4];
    int rc;

    (void)clock_rfc3339(user->end_ms, &end); /* both fit */
    (void)strbuf_u64(&days, left < 1 ? 1 : (uint64_t)left);
    values[0] = (struct template_value){"address", user->address};
    values[1] = (struct template_value){"full_name",
                                        user->full_name.len > 0 ? user->full_name : user->address};
    values[2] = (struct template_value){"days", strbuf_slice(&days)};
    values[3] = (struct template_value){"date", slice_sub(strbuf_slice(&end), 0, DATE_LEN)};
    rc = mailer_send(w->mailer, &(const struct mailer_mail){.kind = TEMPLATE_PASSWORD_EXPIRY,
                                                            .client = "password-expiry",
                                                            .from = user->sender,
                                                            .to = user->address,
                                                            .values = values,
                                                            .value_count = ARRAY_LEN(values)});
    strbuf_free(&end);
    strbuf_free(&days);
    return rc;
}

/* The first of the page who was not warned before a failure. */
static uint32_t
where_to_go_on(const struct password_warning *w, const struct accountd_expiring_reply *page)
{
    for (uint32_t i = 0; i < page->count; i++)
        if (slice_eq(page->users[i].address, strbuf_slice(&w->warned)))
            return i + 1;
    return 0;
}

/* 0, or -1: the page is asked for again. */
static int
take_page(struct password_warning *w, const struct accountd_expiring_reply *page)
{
    int64_t now = clock_real_ms();

    for (uint32_t i = where_to_go_on(w, page); i < page->count; i++)
        if (page->users[i].end_ms > now) {
            if (warn(w, &page->users[i], now) < 0)
                return -1;
            stats_add(w->sent, 1);
            strbuf_clear(&w->warned);
            (void)strbuf_append(&w->warned, page->users[i].address); /* it fits */
        }
    strbuf_clear(&w->warned);
    strbuf_clear(&w->cursor);
    (void)strbuf_append(&w->cursor, page->cursor); /* a key fits */
    if (page->cursor.len == 0) {
        w->since_ms = w->until_ms;
        w->until_ms = 0;
    }
    return save(w);
}

static void
page_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct password_warning *w = arg;
    struct accountd_expiring_reply page;
    int64_t wait = AGAIN_MS;

    close_keep_errno(fd); /* none is expected */
    if (w->closing)
        return;
    if (header != NULL && header->type == ACCOUNTD_EXPIRING_REPLY &&
        accountd_expiring_reply_decode(payload, &page) == 0 && !page.failed) {
        if (take_page(w, &page) < 0)
            log_event(LOG_ERROR, "password_warning_failed", KV_ERRNO());
        else
            wait = w->until_ms == 0 ? ROUND_MS : PAGE_MS;
    }
    loop_timer_set(w->timer, wait);
}

static void
ask(void *arg)
{
    struct password_warning *w = arg;
    struct strbuf request = strbuf_new(STATE_MAX);

    if (w->until_ms == 0)
        w->until_ms = clock_real_ms();
    assert_always(accountd_expiring_encode(&request, &(const struct accountd_expiring){
                                                         .since_ms = w->since_ms,
                                                         .until_ms = w->until_ms,
                                                         .stages = w->stages,
                                                         .cursor = strbuf_slice(&w->cursor)}) == 0);
    ipc_async_call(w->accountd, &request, ASK_MS, page_came, w);
    strbuf_free(&request);
}

struct password_warning *
password_warning_new(struct daemon *d, const struct mailer *mailer, int state_dirfd)
{
    struct password_warning *w = xcalloc(1, sizeof(*w));

    w->mailer = mailer;
    w->state_dirfd = state_dirfd;
    w->cursor = strbuf_new(ACCOUNT_KEY_MAX);
    w->warned = strbuf_new(ACCOUNTD_ADDRESS_MAX);
    w->sent = stats_counter(d->stats, "password_warnings");
    alert_conf_stages(d->conf, w->stages.days, EXPIRING_STAGES_MAX, &w->stages.count);
    if (w->stages.count == 0)
        return w;
    load(w);
    w->accountd = ipc_async_new(d->loop, AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 1);
    w->timer = loop_timer_new(d->loop, ask, w);
    ask(w);
    return w;
}

void
password_warning_free(struct password_warning **warningp)
{
    struct password_warning *w = *warningp;

    if (w == NULL)
        return;
    w->closing = true;
    ipc_async_free(&w->accountd);
    loop_timer_free(&w->timer);
    strbuf_free(&w->cursor);
    strbuf_free(&w->warned);
    xfree(warningp);
}
