/*
 * authd/watch.c - ends the sessions that a user would not get any more.
 *
 * accountd holds our question back until something changed, and says for whom. Then each session
 * that it may concern is looked at again, as a login would be, and its parent told to end it if it
 * would get less today. The number of the last change that we know goes with the question: nothing
 * is missed while we do not ask.
 */
#include "authd/watch.h"

#include <stdlib.h>
#include <string.h>

#include "authd/access.h"
#include "authd/attach.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    WATCH_TIMEOUT_MS = 3600 * 1000,
    CHECK_TIMEOUT_MS = 10000,
    SETTLE_MS = 200, /* changes come in rows; also the pause before asking again */
    RETRY_MS = 1000, /* accountd could not tell */
    REQUEST_MAX = 4096
};

enum check { CHECK_ACCOUNT = 1, CHECK_FOLDERS = 2 };

struct watch {
    struct server *server;
    struct loop_timer *timer;
    uint64_t known;   /* number of the last change that we were told of */
    unsigned changes; /* how often we were told */
    bool asked;
};

/* ---- one session ---- */

static void
end_session(struct session *s, const char *event, const char *reason)
{
    log_event(LOG_INFO, event, KV_STR("user", s->user), KV_STR("session", s->session_id),
              KV_STR("service", session_service_name(s)), KV_STR("reason", reason));
    watch_remove(s);
    attach_end_session(s->server->attach, s->parent_id, s->session_id);
}

/* It was not told: asked again. */
static void
look_again(struct session *s, unsigned check)
{
    s->check |= check;
    loop_timer_set(s->server->watch->timer, RETRY_MS);
}

static void
folders_checked(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;

    close_keep_errno(fd);
    if (!session_release(s) || s->watched_link == NULL)
        return;
    if (header == NULL || header->type != ACCOUNTD_FOLDERS_REPLY)
        look_again(s, CHECK_FOLDERS);
    else if (!folder_grants_still_hold(&s->grants, payload))
        end_session(s, "rights_taken", "folders of others");
}

/* Why the user would not get this session again, or NULL. */
static const char *
why_not(const struct session *s, const struct account *now)
{
    const uint32_t on_mail = s->service == SERVICE_IMAP || s->service == SERVICE_POP3
                                 ? ACCOUNTD_MAY_REMOVE_MAIL | ACCOUNTD_MAY_CHANGE_MAIL
                                 : 0;

    if (!now->known || strcmp(now->user, s->user) != 0)
        return "account deleted or renamed";
    if (!now->enabled)
        return "account disabled";
    if (strcmp(now->password_changed, s->password_changed) != 0)
        return "password changed";
    if ((s->rights & ~now->rights & (on_mail | session_service_right(s))) != 0)
        return "right taken away";
    if (!access_takes(s, now))
        return ACCESS_REFUSED;
    return NULL;
}

/* By what it logged in it could not any more? */
static void
means_checked(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct means now = {.bytes = NULL};

    close_keep_errno(fd);
    if (!session_release(s) || s->watched_link == NULL)
        return;
    if (header == NULL || header->type != ACCOUNTD_MEANS_REPLY || means_set(&now, payload) < 0)
        look_again(s, CHECK_ACCOUNT);
    else if (s->code_used[0] != '\0' && means_code_by_id(&now, slice_of(s->code_used)) == NULL)
        end_session(s, "session_ended", "authorization code revoked");
    else if (s->code_used[0] == '\0' && !s->by_token && now.no_mail_password)
        end_session(s, "session_ended", "passwords are for webmail only now");
    means_clear(&now);
}

static void
ask_means(struct session *s)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_means_encode(&request, slice_of(s->user)) == 0);
    session_hold(s);
    ipc_async_call(s->server->accounts, &request, CHECK_TIMEOUT_MS, means_checked, s);
    strbuf_free(&request);
}

static void
account_checked(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct session *s = arg;
    struct accountd_login_reply reply;
    struct account now = {.known = false};
    const char *reason;

    close_keep_errno(fd);
    if (!session_release(s) || s->watched_link == NULL)
        return;
    if (header == NULL || header->type != ACCOUNTD_LOGIN_REPLY ||
        accountd_login_reply_decode(payload, &reply) < 0 || account_set(&now, &reply) < 0 ||
        now.later)
        look_again(s, CHECK_ACCOUNT);
    else if ((reason = why_not(s, &now)) != NULL)
        end_session(s, "session_ended", reason);
    else if (now.more_means || s->code_used[0] != '\0')
        ask_means(s);
    account_clear(&now);
}

static void
check(struct session *s)
{
    const struct accountd_login login = {.name = slice_of(s->user),
                                         .service = slice_of(session_service_name(s))};
    struct strbuf request = strbuf_new(REQUEST_MAX);
    unsigned what = s->check;

    s->check = 0;
    if ((what & CHECK_ACCOUNT) != 0) {
        assert_always(accountd_login_encode(&request, &login) == 0);
        session_hold(s);
        ipc_async_call(s->server->accounts, &request, CHECK_TIMEOUT_MS, account_checked, s);
    }
    if ((what & CHECK_FOLDERS) != 0 && s->grants.count > 0) {
        assert_always(accountd_folders_encode(&request, slice_of(s->user)) == 0);
        session_hold(s);
        ipc_async_call(s->server->accounts, &request, CHECK_TIMEOUT_MS, folders_checked, s);
    }
    strbuf_free(&request);
}

/* ---- all of them ---- */

static void ask(struct watch *watch);

static void
settled(void *arg)
{
    struct watch *watch = arg;
    struct session *next;

    if (!watch->asked)
        ask(watch); /* first: what changes while we look is told again */
    for (struct session *s = watch->server->watched; s != NULL; s = next) {
        next = s->watched_next;
        if (s->check != 0)
            check(s);
    }
}

static bool
concerns(const struct accountd_changed *changed, struct slice user)
{
    struct slice domain = slice_sub(user, slice_rindex(user, '@'), user.len);

    if (changed->everybody)
        return true;
    for (uint32_t i = 0; i < changed->user_count; i++)
        if (slice_eq(changed->users[i], user) || slice_eq(changed->users[i], domain))
            return true;
    return false;
}

static void
mark(struct watch *watch, const struct accountd_changed *changed)
{
    for (struct session *s = watch->server->watched; s != NULL; s = s->watched_next) {
        if (changed->folders)
            s->check |= CHECK_FOLDERS;
        if (concerns(changed, slice_of(s->user)))
            s->check |= CHECK_ACCOUNT;
    }
}

static void
told(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct slice users[ACCOUNTD_CHANGED_MAX];
    struct accountd_changed changed;
    struct watch *watch = arg;

    close_keep_errno(fd);
    watch->asked = false;
    if (header != NULL && header->type == ACCOUNTD_CHANGED &&
        accountd_changed_decode(payload, &changed, users) == 0) {
        watch->known = changed.number;
        watch->changes++;
        mark(watch, &changed);
    }
    loop_timer_set(watch->timer, SETTLE_MS);
}

static void
ask(struct watch *watch)
{
    struct strbuf request = strbuf_new(REQUEST_MAX);

    assert_always(accountd_watch_encode(&request, watch->known) == 0);
    watch->asked = true;
    ipc_async_call(watch->server->accounts, &request, WATCH_TIMEOUT_MS, told, watch);
    strbuf_free(&request);
}

struct watch *
watch_new(struct server *server)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->server = server;
    watch->timer = loop_timer_new(server->loop, settled, watch);
    ask(watch);
    return watch;
}

void
watch_free(struct watch **watchp)
{
    if (*watchp == NULL)
        return;
    loop_timer_free(&(*watchp)->timer);
    xfree(watchp);
}

unsigned
watch_changes(const struct watch *watch)
{
    return watch == NULL ? 0 : watch->changes;
}

void
watch_add(struct session *s)
{
    struct watch *watch = s->server->watch;

    s->watched_next = s->server->watched;
    if (s->watched_next != NULL)
        s->watched_next->watched_link = &s->watched_next;
    s->watched_link = &s->server->watched;
    s->server->watched = s;
    s->check = 0;
    if (watch == NULL || watch->changes == s->changes_seen)
        return;
    s->check = CHECK_ACCOUNT | CHECK_FOLDERS;
    loop_timer_set(watch->timer, SETTLE_MS);
}

void
watch_remove(struct session *s)
{
    if (s->watched_link == NULL)
        return;
    *s->watched_link = s->watched_next;
    if (s->watched_next != NULL)
        s->watched_next->watched_link = s->watched_link;
    s->watched_next = NULL;
    s->watched_link = NULL;
}

const char *
watch_who(const struct server *server, struct slice session_id)
{
    for (const struct session *s = server->watched; s != NULL; s = s->watched_next)
        if (s->service == SERVICE_LDAP && slice_eq(slice_of(s->session_id), session_id))
            return s->user;
    return NULL;
}
