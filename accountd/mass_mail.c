/*
 * accountd/mass_mail.c - whose mailbox sends what its owner would not.
 *
 * Counts of recipients and subjects are in memory of fixed size and begin anew with accountd. What
 * is usual takes weeks to learn: it is in the account base, written every few seconds and at the
 * end.
 *
 * Input: what smtpd counted and read; the subject is the client's.
 */
#include "accountd/mass_mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "accountd/blocks.h"
#include "lib/account/usual.h"
#include "lib/auth/guess.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define USERS_MAX 1000000
#define WRITE_MS 5000
#define DAY_MS (INT64_C(24) * 3600 * 1000)
enum { ROW_MAX = 128, KEY_MAX = ACCOUNTD_ADDRESS_MAX + 1 + ACCOUNTD_SUBJECT_MAX };

struct habit {
    struct usual usual;
    char *user;
    STAILQ_ENTRY(habit) link;
};

struct mass_mail {
    struct server *server;
    uint64_t rcpts_max, subject_max; /* guess.*; 0: no limit */
    struct usual_limits limits;
    int64_t block_ms;
    struct guess_table *rcpts, *subjects;
    struct map *changed; /* user -> struct habit that is not written yet */
    STAILQ_HEAD(habits, habit) habits;
    struct loop_timer *timer;
    char hold[160];
};

/* ---- what is usual ---- */

static int
write_all(struct mass_mail *mail)
{
    struct account_db *db = mail->server->base.db;
    struct strbuf row = strbuf_new(ROW_MAX);
    struct habit *habit;
    int rc = account_db_begin(db);

    if (rc < 0)
        return -1;
    for (habit = STAILQ_FIRST(&mail->habits); habit != NULL && rc == 0;
         habit = STAILQ_NEXT(habit, link)) {
        strbuf_clear(&row);
        usual_print(&habit->usual, &row);
        rc = account_db_put(db, ACCOUNT_TABLE_USUAL, slice_of(habit->user), strbuf_slice(&row));
    }
    strbuf_free(&row);
    if (rc < 0) {
        account_db_abort(db);
        return -1;
    }
    return account_db_commit_figures(db);
}

static void
forget_all(struct mass_mail *mail)
{
    struct habit *habit, *next;

    for (habit = STAILQ_FIRST(&mail->habits); habit != NULL; habit = next) {
        next = STAILQ_NEXT(habit, link);
        free(habit->user);
        free(habit);
    }
    STAILQ_INIT(&mail->habits);
    map_free(&mail->changed, NULL);
    mail->changed = map_new(USERS_MAX);
}

/* What is written is read again when it is needed. */
static void
write_out(void *arg)
{
    struct mass_mail *mail = arg;

    if (STAILQ_EMPTY(&mail->habits))
        return;
    if (write_all(mail) < 0) {
        log_event(LOG_ERROR, "usual_not_written", KV_ERRNO());
        loop_timer_set(mail->timer, WRITE_MS);
        return;
    }
    forget_all(mail);
}

/* NULL: too many at once. A row that is damaged, or not there, is one of a new user. */
static struct habit *
habit_of(struct mass_mail *mail, struct slice user)
{
    void **at = map_at(mail->changed, user);
    struct habit *habit;
    struct slice row;

    if (at == NULL || *at != NULL)
        return at == NULL ? NULL : *at;
    habit = xcalloc(1, sizeof(*habit));
    habit->user = xslicedup(user);
    if (account_db_get(mail->server->base.db, ACCOUNT_TABLE_USUAL, user, &row) == 0)
        (void)usual_parse(row, &habit->usual);
    if (STAILQ_EMPTY(&mail->habits))
        loop_timer_set(mail->timer, WRITE_MS);
    STAILQ_INSERT_TAIL(&mail->habits, habit, link);
    *at = habit;
    return habit;
}

static const char *
look_at_amount(struct mass_mail *mail, struct slice user, uint64_t rcpts)
{
    struct habit *habit = mail->limits.factor == 0 || rcpts == 0 ? NULL : habit_of(mail, user);

    if (habit == NULL || !usual_count(&habit->usual, rcpts, &mail->limits, clock_real_ms()))
        return "";
    (void)snprintf(mail->hold, sizeof(mail->hold),
                   "unusual: %llu recipients elsewhere today, %llu are usual for this user",
                   (unsigned long long)habit->usual.sent + habit->usual.held,
                   (unsigned long long)habit->usual.amount / 8);
    log_event(LOG_WARN, "unusual_mail", KV_SLICE("user", user),
              KV_U64("recipients", habit->usual.sent + habit->usual.held),
              KV_U64("usual", habit->usual.amount / 8),
              KV_STR("setting", conf_decider(GUESS_UNUSUAL_FACTOR)));
    return mail->hold;
}

/* ---- what blocks ---- */

static void
block(struct mass_mail *mail, enum block_kind kind, struct slice user, const char *reason)
{
    struct block block = {.kind = (uint8_t)kind,
                          .cause = kind == BLOCK_USER ? BLOCK_MASS_MAIL : BLOCK_SAME_SUBJECT,
                          .name = user,
                          .reason = slice_of(reason),
                          .start_ms = clock_real_ms()};

    block.end_ms = block.start_ms + mail->block_ms;
    (void)blocks_add(mail->server->blocks, &block); /* the failure is logged */
}

static unsigned
bounded(uint64_t count)
{
    return count > UINT16_MAX ? UINT16_MAX : (unsigned)count;
}

/* False: that is too many. The message that reaches the number is the last one. */
static bool
may_reach(struct mass_mail *mail, struct slice user, uint64_t rcpts)
{
    char reason[BLOCK_REASON_MAX];
    unsigned sum;

    if (mail->rcpts_max == 0 || rcpts == 0)
        return true;
    sum = guess_add(mail->rcpts, user, bounded(rcpts), clock_mono_ms());
    if (sum < mail->rcpts_max)
        return true;
    (void)snprintf(reason, sizeof(reason), "%u recipients elsewhere", sum);
    block(mail, BLOCK_USER, user, reason);
    guess_forget(mail->rcpts, user);
    return sum <= mail->rcpts_max;
}

/* False: there is no subject. */
static bool
subject_key(struct slice user, struct slice subject, struct strbuf *key)
{
    (void)strbuf_append(key, user);
    (void)strbuf_char(key, '\n');
    (void)strbuf_append(key, subject);
    return subject.len > 0;
}

static bool
may_repeat(struct mass_mail *mail, struct slice user, struct slice subject)
{
    struct strbuf key = strbuf_new(KEY_MAX);
    char reason[BLOCK_REASON_MAX];
    bool may = true;
    unsigned sum;

    if (mail->subject_max > 0 && subject_key(user, subject, &key)) {
        sum = guess_count(mail->subjects, strbuf_slice(&key), clock_mono_ms());
        may = sum <= mail->subject_max;
        if (!may) {
            (void)snprintf(reason, sizeof(reason), "%u messages with one subject", sum);
            block(mail, BLOCK_SENDING, user, reason);
            guess_forget(mail->subjects, strbuf_slice(&key));
        }
    }
    strbuf_free(&key);
    return may;
}

bool
mass_mail_counts(const struct mass_mail *mail)
{
    return mail != NULL &&
           (mail->rcpts_max > 0 || mail->subject_max > 0 || mail->limits.factor > 0);
}

bool
mass_mail_is_blocked(const struct server *server, struct slice user)
{
    return user.len > 0 && blocks_of_sender(server->blocks, user) != NULL;
}

int
mass_mail_look(struct server *server, struct slice user, const struct accountd_spend *spend,
               const char **hold)
{
    struct mass_mail *mail = server->mass_mail;

    *hold = "";
    if (mass_mail_is_blocked(server, user))
        return -1;
    if (mail == NULL)
        return 0;
    if (!may_reach(mail, user, spend->remote_rcpts) || !may_repeat(mail, user, spend->subject))
        return -1;
    *hold = look_at_amount(mail, user, spend->remote_rcpts);
    return 0;
}

void
mass_mail_unlook(struct server *server, struct slice user, const struct accountd_spend *spend,
                 bool held)
{
    struct mass_mail *mail = server->mass_mail;
    struct strbuf key = strbuf_new(KEY_MAX);
    struct habit *habit;

    if (mail != NULL && mail->rcpts_max > 0)
        guess_take_off(mail->rcpts, user, bounded(spend->remote_rcpts), clock_mono_ms());
    if (mail != NULL && subject_key(user, spend->subject, &key))
        guess_take_off(mail->subjects, strbuf_slice(&key), 1, clock_mono_ms());
    habit = mail == NULL || mail->limits.factor == 0 || spend->remote_rcpts == 0
                ? NULL
                : habit_of(mail, user);
    if (habit != NULL)
        usual_uncount(&habit->usual, spend->remote_rcpts, held);
    strbuf_free(&key);
}

void
mass_mail_settle(struct mass_mail *mail)
{
    write_out(mail);
}

struct mass_mail *
mass_mail_new(struct server *server)
{
    struct mass_mail *mail = xcalloc(1, sizeof(*mail));
    const struct conf *conf = server->daemon->conf;

    mail->server = server;
    mail->rcpts_max = conf_u64(conf, GUESS_RECIPIENTS_PER_USER);
    mail->subject_max = conf_u64(conf, GUESS_SAME_SUBJECT);
    mail->limits = (struct usual_limits){.factor = conf_u64(conf, GUESS_UNUSUAL_FACTOR),
                                         .min = conf_u64(conf, GUESS_UNUSUAL_MIN),
                                         .days = conf_u64(conf, GUESS_UNUSUAL_AFTER)};
    mail->block_ms = (int64_t)conf_u64(conf, GUESS_BLOCK_TIME);
    mail->rcpts = guess_table_new((int64_t)conf_u64(conf, GUESS_INTERVAL));
    mail->subjects = guess_table_new(DAY_MS);
    mail->changed = map_new(USERS_MAX);
    STAILQ_INIT(&mail->habits);
    mail->timer = loop_timer_new(server->daemon->loop, write_out, mail);
    return mail;
}

void
mass_mail_free(struct mass_mail **mailp)
{
    struct mass_mail *mail = *mailp;

    if (mail == NULL)
        return;
    write_out(mail);
    loop_timer_free(&mail->timer);
    forget_all(mail);
    map_free(&mail->changed, NULL);
    guess_table_free(&mail->rcpts);
    guess_table_free(&mail->subjects);
    xfree(mailp);
}
