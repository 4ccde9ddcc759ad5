/*
 * alertd/alerts.c - the table of alerts. Small, and looked through from end to end.
 */
#include "alertd/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

struct told {
    uint32_t edition;
    bool raised;
};

struct alert {
    TAILQ_ENTRY(alert) link;
    char *name, *text;
    enum alert_kind kind;
    unsigned level;
    bool seen;                        /* between alerts_begin and alerts_end */
    int64_t since_ms, edition_ms;     /* of the last change, of the last edition */
    uint32_t edition;                 /* 0: none yet */
    struct told told[ALERT_WAYS_MAX]; /* by each way */
    struct told sent[ALERT_WAYS_MAX]; /* what alerts_told puts down */
};

struct silence {
    char name[ALERT_NAME_MAX + 1];
    int64_t until_ms;
};

struct alerts {
    TAILQ_HEAD(alert_list, alert) list;
    size_t count;
    char *ways[ALERT_WAYS_MAX];
    bool under_way[ALERT_WAYS_MAX]; /* news were taken, and what came of it is not known yet */
    bool has_more[ALERT_WAYS_MAX];  /* than the ones before */
    size_t way_count;
    struct silence silences[ALERT_SILENCES_MAX];
    size_t silence_count;
    bool changed;
};

static const char *const kind_names[ALERT_KIND_COUNT] = {
    [ALERT_DISK] = "disk",       [ALERT_QUEUE] = "queue", [ALERT_CERTIFICATE] = "certificate",
    [ALERT_SERVICE] = "service", [ALERT_BLOCK] = "block",
};

const char *
alert_kind_name(enum alert_kind kind)
{
    return kind_names[kind];
}

struct alerts *
alerts_new(const char *const *ways, size_t way_count)
{
    struct alerts *alerts = xcalloc(1, sizeof(*alerts));

    TAILQ_INIT(&alerts->list);
    alerts->way_count = way_count < ALERT_WAYS_MAX ? way_count : ALERT_WAYS_MAX;
    for (size_t i = 0; i < alerts->way_count; i++)
        alerts->ways[i] = xstrdup(ways[i]);
    return alerts;
}

static void
alert_free(struct alert *a)
{
    free(a->name);
    free(a->text);
    free(a);
}

static void
drop(struct alerts *alerts, struct alert *a)
{
    TAILQ_REMOVE(&alerts->list, a, link);
    alerts->count--;
    alerts->changed = true;
    alert_free(a);
}

void
alerts_free(struct alerts **alertsp)
{
    struct alerts *alerts = *alertsp;
    struct alert *a, *next;

    if (alerts == NULL)
        return;
    for (a = TAILQ_FIRST(&alerts->list); a != NULL; a = next) {
        next = TAILQ_NEXT(a, link);
        alert_free(a);
    }
    for (size_t i = 0; i < alerts->way_count; i++)
        free(alerts->ways[i]);
    xfree(alertsp);
}

/* One line of text, whatever comes; what is too long is cut. */
static char *
plain(const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy;

    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--; /* not within a character */
    copy = xslicedup(slice_make(text, len));
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    if (!parse_is_utf8(slice_of(copy)))
        for (char *c = copy; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
    return copy;
}

static struct alert *
find(const struct alerts *alerts, const char *name)
{
    struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (strcmp(a->name, name) == 0)
        return a;
    return NULL;
}

/* NULL: there are too many. */
static struct alert *
add(struct alerts *alerts, enum alert_kind kind, struct slice name)
{
    struct alert *a;

    if (alerts->count == ALERTS_MAX)
        return NULL;
    a = xcalloc(1, sizeof(*a));
    *a = (struct alert){.name = xslicedup(name), .text = xstrdup(""), .kind = kind};
    TAILQ_INSERT_TAIL(&alerts->list, a, link);
    alerts->count++;
    return a;
}

/* ---- what happens ---- */

/* Cleared, and nobody has to be told. */
static bool
is_over(const struct alerts *alerts, const struct alert *a)
{
    bool known = false;

    for (size_t i = 0; i < alerts->way_count; i++)
        known = known || a->told[i].raised || (alerts->under_way[i] && a->sent[i].raised);
    return a->level == 0 && (!known || a->kind == ALERT_BLOCK);
}

static void
new_edition(struct alerts *alerts, struct alert *a, int64_t now_ms)
{
    a->edition++;
    a->edition_ms = now_ms;
    alerts->changed = true;
}

static void
change_level(struct alerts *alerts, struct alert *a, unsigned level, int64_t now_ms)
{
    bool news = level > a->level || level == 0;

    if (level == a->level)
        return;
    if (level == 0 || a->level == 0)
        a->since_ms = now_ms;
    a->level = level;
    alerts->changed = true;
    if (news)
        new_edition(alerts, a, now_ms);
    if (is_over(alerts, a))
        drop(alerts, a);
}

void
alerts_set(struct alerts *alerts, enum alert_kind kind, const char *name, unsigned level,
           const char *text, int64_t now_ms)
{
    char *own_name = plain(name, ALERT_NAME_MAX);
    struct alert *a = find(alerts, own_name);

    if (a == NULL && level > 0)
        a = add(alerts, kind, slice_of(own_name));
    free(own_name);
    if (a == NULL)
        return;
    a->seen = true;
    if (level > 0 || a->level > 0) {
        free(a->text);
        a->text = plain(text, ALERT_TEXT_MAX);
    }
    change_level(alerts, a, level, now_ms);
}

unsigned
alerts_level(const struct alerts *alerts, const char *name)
{
    const struct alert *a = find(alerts, name);

    return a == NULL ? 0 : a->level;
}

void
alerts_begin(struct alerts *alerts, enum alert_kind kind)
{
    struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (a->kind == kind)
        a->seen = false;
}

void
alerts_end(struct alerts *alerts, enum alert_kind kind, int64_t now_ms)
{
    struct alert *a, *next;

    for (a = TAILQ_FIRST(&alerts->list); a != NULL; a = next) {
        next = TAILQ_NEXT(a, link);
        if (a->kind == kind && !a->seen)
            change_level(alerts, a, 0, now_ms);
    }
}

void
alerts_remind(struct alerts *alerts, int64_t after_ms, int64_t now_ms)
{
    struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (after_ms > 0 && a->level > 0 && a->kind != ALERT_BLOCK &&
        now_ms - a->edition_ms >= after_ms)
        new_edition(alerts, a, now_ms);
}

/* ---- silence ---- */

bool
alerts_silence(struct alerts *alerts, struct slice name, int64_t until_ms, int64_t now_ms)
{
    size_t kept = 0;
    bool done = true;

    for (size_t i = 0; i < alerts->silence_count; i++)
        if (alerts->silences[i].until_ms > now_ms &&
            !slice_eq(slice_of(alerts->silences[i].name), name))
            alerts->silences[kept++] = alerts->silences[i];
    alerts->silence_count = kept;
    if (until_ms > now_ms) {
        done = kept < ALERT_SILENCES_MAX && name.len <= ALERT_NAME_MAX;
        if (done) {
            struct silence *s = &alerts->silences[alerts->silence_count++];

            (void)snprintf(s->name, sizeof(s->name), "%.*s", (int)name.len, name.ptr);
            s->until_ms = until_ms;
        }
    }
    alerts->changed = true;
    return done;
}

static int64_t
silenced_until(const struct alerts *alerts, const struct alert *a, int64_t now_ms)
{
    int64_t until = 0;

    for (size_t i = 0; i < alerts->silence_count; i++) {
        const struct silence *s = &alerts->silences[i];

        if (s->until_ms > now_ms && s->until_ms > until &&
            (strcmp(s->name, a->name) == 0 || strcmp(s->name, kind_names[a->kind]) == 0 ||
             strcmp(s->name, "all") == 0))
            until = s->until_ms;
    }
    return until;
}

/* ---- news ---- */

static bool
is_news(const struct alerts *alerts, const struct alert *a, size_t way, int64_t now_ms)
{
    if (a->told[way].edition == a->edition || (a->level == 0 && !a->told[way].raised))
        return false;
    if (a->level == 0 && a->kind == ALERT_BLOCK)
        return false;
    return silenced_until(alerts, a, now_ms) == 0;
}

static struct alert_item
item_of(const struct alert *a, bool known)
{
    return (struct alert_item){.name = a->name,
                               .text = a->text,
                               .kind = a->kind,
                               .news = a->level == 0 ? ALERT_CLEARED
                                       : known       ? ALERT_STILL
                                                     : ALERT_RAISED,
                               .since_ms = a->since_ms};
}

size_t
alerts_news(struct alerts *alerts, size_t way, int64_t now_ms, struct alert_item *items,
            size_t count, size_t *more)
{
    struct alert *a;
    size_t found = 0;

    *more = 0;
    alerts->under_way[way] = true;
    alerts->has_more[way] = false;
    for (a = TAILQ_FIRST(&alerts->list); a != NULL; a = TAILQ_NEXT(a, link)) {
        bool again = a->sent[way].edition == a->edition;

        a->sent[way] = a->told[way];
        if (!is_news(alerts, a, way, now_ms))
            continue;
        alerts->has_more[way] = alerts->has_more[way] || !again;
        a->sent[way] = (struct told){a->edition, a->level > 0};
        if (found < count)
            items[found++] = item_of(a, a->told[way].raised);
        else
            ++*more;
    }
    return found;
}

bool
alerts_news_again(const struct alerts *alerts, size_t way)
{
    return !alerts->has_more[way];
}

static void
drop_what_is_over(struct alerts *alerts)
{
    struct alert *a, *next;

    for (a = TAILQ_FIRST(&alerts->list); a != NULL; a = next) {
        next = TAILQ_NEXT(a, link);
        if (is_over(alerts, a))
            drop(alerts, a);
    }
}

void
alerts_told(struct alerts *alerts, size_t way)
{
    struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (a->sent[way].edition != 0) /* it was there when the news were taken */
        a->told[way] = a->sent[way];
    alerts->changed = true;
    alerts_not_told(alerts, way);
}

void
alerts_not_told(struct alerts *alerts, size_t way)
{
    alerts->under_way[way] = false;
    drop_what_is_over(alerts);
}

bool
alerts_has_news(const struct alerts *alerts, size_t way, int64_t now_ms)
{
    const struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (is_news(alerts, a, way, now_ms))
        return true;
    return false;
}

void
alerts_each(const struct alerts *alerts, int64_t now_ms,
            void (*each)(void *arg, const struct alert_item *item, int64_t silenced_ms), void *arg)
{
    const struct alert *a;

    TAILQ_FOREACH(a, &alerts->list, link)
    if (a->level > 0) {
        struct alert_item item = item_of(a, false);

        each(arg, &item, silenced_until(alerts, a, now_ms));
    }
}

/* ---- as text ---- */

bool
alerts_changed(struct alerts *alerts)
{
    bool changed = alerts->changed;

    alerts->changed = false;
    return changed;
}

/* Tab-separated lines: "way NUMBER NAME", "silence UNTIL NAME", "alert KIND LEVEL SINCE EDITION
 * EDITION_TIME TOLD NAME TEXT"; TOLD has for each way its edition and '+' where it was raised. */
void
alerts_print(const struct alerts *alerts, struct strbuf *out)
{
    const struct alert *a;

    for (size_t i = 0; i < alerts->way_count; i++)
        (void)strbuf_printf(out, "way\t%zu\t%s\n", i, alerts->ways[i]);
    for (size_t i = 0; i < alerts->silence_count; i++)
        (void)strbuf_printf(out, "silence\t%lld\t%s\n", (long long)alerts->silences[i].until_ms,
                            alerts->silences[i].name);
    for (a = TAILQ_FIRST(&alerts->list); a != NULL; a = TAILQ_NEXT(a, link)) {
        (void)strbuf_printf(out, "alert\t%d\t%u\t%lld\t%u\t%lld\t", (int)a->kind, a->level,
                            (long long)a->since_ms, a->edition, (long long)a->edition_ms);
        for (size_t i = 0; i < alerts->way_count; i++)
            (void)strbuf_printf(out, "%s%u%s", i > 0 ? "," : "", a->told[i].edition,
                                a->told[i].raised ? "+" : "");
        (void)strbuf_printf(out, "\t%s\t%s\n", a->name, a->text);
    }
}

static bool
take_number(struct slice *line, uint64_t max, uint64_t *out)
{
    return parse_u64(slice_split(line, '\t'), max, out) == 0;
}

/* Which way of ours each number in the text stands for. */
struct way_map {
    size_t ways[ALERT_WAYS_MAX];
};

static bool
read_way(const struct alerts *alerts, struct slice line, struct way_map *map)
{
    uint64_t number;

    if (!take_number(&line, ALERT_WAYS_MAX - 1, &number))
        return false;
    for (size_t i = 0; i < alerts->way_count; i++)
        if (slice_eq(slice_of(alerts->ways[i]), line))
            map->ways[number] = i;
    return true;
}

static bool
read_silence(struct alerts *alerts, struct slice line)
{
    uint64_t until;

    return take_number(&line, INT64_MAX, &until) && line.len > 0 &&
           alerts_silence(alerts, line, (int64_t)until, 0);
}

static bool
read_told(struct alert *a, struct slice text, const struct way_map *map)
{
    for (size_t i = 0; i < ALERT_WAYS_MAX && text.len > 0; i++) {
        struct slice item = slice_split(&text, ',');
        bool raised = slice_ends(item, SLICE("+"));
        uint64_t edition;

        if (parse_u64(slice_sub(item, 0, item.len - raised), UINT32_MAX, &edition) < 0)
            return false;
        if (map->ways[i] < ALERT_WAYS_MAX)
            a->told[map->ways[i]] = (struct told){(uint32_t)edition, raised};
    }
    return true;
}

static bool
read_alert(struct alerts *alerts, struct slice line, const struct way_map *map)
{
    uint64_t kind, level, since, edition, edition_ms;
    struct slice told, name;
    struct alert *a;

    if (!take_number(&line, ALERT_KIND_COUNT - 1, &kind) || !take_number(&line, 1000, &level) ||
        !take_number(&line, INT64_MAX, &since) || !take_number(&line, UINT32_MAX, &edition) ||
        !take_number(&line, INT64_MAX, &edition_ms))
        return false;
    told = slice_split(&line, '\t');
    name = slice_split(&line, '\t');
    if (name.len == 0 || name.len > ALERT_NAME_MAX || line.len > ALERT_TEXT_MAX)
        return false;
    a = add(alerts, (enum alert_kind)kind, name);
    if (a == NULL)
        return false;
    free(a->text);
    a->text = xslicedup(line);
    a->level = (unsigned)level;
    a->since_ms = (int64_t)since;
    a->edition = (uint32_t)edition;
    a->edition_ms = (int64_t)edition_ms;
    if (read_told(a, told, map))
        return true;
    drop(alerts, a);
    return false;
}

size_t
alerts_read(struct alerts *alerts, struct slice text)
{
    struct way_map map;
    size_t damaged = 0;

    for (size_t i = 0; i < ALERT_WAYS_MAX; i++)
        map.ways[i] = ALERT_WAYS_MAX;
    while (text.len > 0) {
        struct slice line = slice_split(&text, '\n'), word = slice_split(&line, '\t');
        bool whole = slice_index(line, '\0') == line.len; /* else it is no text of ours */
        bool good = whole && ((slice_eq(word, SLICE("way")) && read_way(alerts, line, &map)) ||
                              (slice_eq(word, SLICE("silence")) && read_silence(alerts, line)) ||
                              (slice_eq(word, SLICE("alert")) && read_alert(alerts, line, &map)));

        damaged += !good;
    }
    alerts->changed = false;
    return damaged;
}
