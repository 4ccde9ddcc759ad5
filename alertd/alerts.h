/*
 * alertd/alerts.h - what is wrong now, and who was told of it: the table of alerts.
 *
 * An alert is raised, perhaps made worse, and cleared. Each of these, and each reminder, is an
 * edition; a way (mail, a URL) that was told of an older edition has news. So whatever happens
 * between two messages of a way, it is told once what has become of it, and what came and went is
 * not told at all. No I/O; the table is kept as text.
 */
#ifndef POSTHORN_ALERTD_ALERTS_H
#define POSTHORN_ALERTD_ALERTS_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define ALERTS_MAX 2000 /* what is beyond is dropped */
#define ALERT_NAME_MAX 400
#define ALERT_TEXT_MAX 500
#define ALERT_WAYS_MAX 16
#define ALERT_SILENCES_MAX 64
#define ALERTS_FILE_MAX (8u << 20)

enum alert_kind {
    ALERT_DISK,
    ALERT_QUEUE,
    ALERT_CERTIFICATE,
    ALERT_SERVICE,
    ALERT_BLOCK, /* passes by itself: neither its end nor its lasting is told */
    ALERT_KIND_COUNT
};
const char *alert_kind_name(enum alert_kind kind);

struct alerts;
struct alert;

/* What a way has not been told yet. */
enum alert_news { ALERT_RAISED, ALERT_STILL, ALERT_CLEARED };

/* `ways`: `way_count` names, by which what they were told is found again in the text. */
struct alerts *alerts_new(const char *const *ways, size_t way_count);
void alerts_free(struct alerts **alertsp);

/* It is so now. `level` 0: all is well (again), else the higher the worse; only a new or a higher
 * level is news, another text is not. `name` begins with the kind's and a colon. Control
 * characters in both become spaces, what is no UTF-8 question marks. */
void alerts_set(struct alerts *alerts, enum alert_kind kind, const char *name, unsigned level,
                const char *text, int64_t now_ms);
unsigned alerts_level(const struct alerts *alerts, const char *name); /* 0: it is not raised */
/* Who finds all that is wrong of a kind begins, sets it, and ends: the others are cleared. */
void alerts_begin(struct alerts *alerts, enum alert_kind kind);
void alerts_end(struct alerts *alerts, enum alert_kind kind, int64_t now_ms);
/* What was raised, or was told, so long ago is told again. 0: never. */
void alerts_remind(struct alerts *alerts, int64_t after_ms, int64_t now_ms);

/* `name`: of an alert, of a kind, or "all". It is not told until `until_ms`; 0: it is. False: there
 * are too many, or the name is too long. */
bool alerts_silence(struct alerts *alerts, struct slice name, int64_t until_ms, int64_t now_ms);

/* The news for a way, `count` at most; how many there are besides in *more. What was given, these
 * included, is put down with alerts_told() once it has been told; if it could not be,
 * alerts_not_told() follows, and it is news still. */
struct alert_item {
    const char *name, *text;
    enum alert_kind kind;
    enum alert_news news;
    int64_t since_ms;
};
size_t alerts_news(struct alerts *alerts, size_t way, int64_t now_ms, struct alert_item *items,
                   size_t count, size_t *more);
/* The last news of the way have nothing that the ones before, which could not be told, had not. */
bool alerts_news_again(const struct alerts *alerts, size_t way);
void alerts_told(struct alerts *alerts, size_t way);
void alerts_not_told(struct alerts *alerts, size_t way);
bool alerts_has_news(const struct alerts *alerts, size_t way, int64_t now_ms);

/* Every alert that is raised; silenced_ms 0: it is not silenced. */
void alerts_each(const struct alerts *alerts, int64_t now_ms,
                 void (*each)(void *arg, const struct alert_item *item, int64_t silenced_ms),
                 void *arg);

/* Something that the text holds has changed since the last call. */
bool alerts_changed(struct alerts *alerts);
void alerts_print(const struct alerts *alerts, struct strbuf *out);
/* Into a new table. Lines that are damaged are left out: their number. */
size_t alerts_read(struct alerts *alerts, struct slice text);

#endif
