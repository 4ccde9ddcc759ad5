/*
 * lib/figures/exposition.c - samples grouped by their metric, as the format wants them.
 */
#include "lib/figures/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/figures/metric.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define PART_LETTERS NAME_LETTERS "-."
#define SAMPLES_MAX 65536
#define EXPIRY "certificate_expiry_timestamp_seconds"
#define DAY_S 86400

struct sample {
    char *service;
    char *name; /* without its part */
    char *part; /* behind the dot, or NULL */
    uint64_t value;
    size_t order; /* in which it came */
};

struct collection {
    struct sample *samples;
    size_t count, allocated;
    void (*failed)(void *arg, const char *service, int error);
    void *arg;
    char *service; /* whose samples come */
};

static bool
is_made_of(const char *text, const char *letters)
{
    return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

/* ---- collecting ---- */

static void
add(struct collection *c, const char *service, struct slice name, const char *part, uint64_t value)
{
    if (c->count == SAMPLES_MAX)
        return;
    if (c->count == c->allocated) {
        c->allocated = c->allocated == 0 ? 256 : c->allocated * 2;
        c->samples = xreallocarray(c->samples, c->allocated, sizeof(*c->samples));
    }
    c->samples[c->count] = (struct sample){.service = xstrdup(service),
                                           .name = xslicedup(name),
                                           .part = part == NULL ? NULL : xstrdup(part),
                                           .value = value,
                                           .order = c->count};
    c->count++;
}

static void
take_sample(void *arg, const struct stats_sample *s)
{
    struct collection *c = arg;
    const char *dot = strchr(s->counter, '.');
    struct slice name = slice_sub(slice_of(s->counter), 0, strcspn(s->counter, "."));
    char *text = xslicedup(name);

    if (!is_made_of(s->service, PART_LETTERS) || !is_made_of(text, NAME_LETTERS) ||
        (dot != NULL && !is_made_of(dot + 1, PART_LETTERS))) {
        free(text);
        return;
    }
    free(text);
    if (c->service == NULL || strcmp(c->service, s->service) != 0) {
        free(c->service);
        c->service = xstrdup(s->service);
        if (s->born_ms > 0)
            add(c, s->service, SLICE("start_time_seconds"), NULL, (uint64_t)s->born_ms / 1000);
    }
    add(c, s->service, name, dot == NULL ? NULL : dot + 1, s->value);
}

static void
pass_failure(void *arg, const char *service, int error)
{
    const struct collection *c = arg;

    if (c->failed != NULL)
        c->failed(c->arg, service, error);
}

static int
by_name(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int by = strcmp(x->name, y->name);

    return by != 0 ? by : x->order < y->order ? -1 : 1;
}

/* ---- writing ---- */

static void
put_name(struct strbuf *out, const char *name, bool is_level)
{
    static const char prefix[] = "bytes_";
    bool turned = strncmp(name, prefix, strlen(prefix)) == 0;

    (void)strbuf_printf(out, "posthorn_%s%s%s", turned ? name + strlen(prefix) : name,
                        turned ? "_bytes" : "", is_level ? "" : "_total");
}

static void
put_head(struct strbuf *out, const char *name, const struct metric *metric, bool is_level)
{
    if (metric != NULL) {
        (void)strbuf_str(out, "# HELP ");
        put_name(out, name, is_level);
        (void)strbuf_printf(out, " %s.\n", metric->help);
    }
    (void)strbuf_str(out, "# TYPE ");
    put_name(out, name, is_level);
    (void)strbuf_printf(out, " %s\n", is_level ? "gauge" : "counter");
}

static void
put_sample(struct strbuf *out, const struct sample *s, const struct metric *metric, bool is_level)
{
    const char *label = metric == NULL || metric->label[0] == '\0' ? "part" : metric->label;

    put_name(out, s->name, is_level);
    (void)strbuf_printf(out, "{service=\"%s\"", s->service);
    if (s->part != NULL)
        (void)strbuf_printf(out, ",%s=\"%s\"", label, s->part);
    (void)strbuf_printf(out, "} %llu\n", (unsigned long long)s->value);
}

/* What people set their alerts by. */
static void
put_days(struct strbuf *out, const struct sample *s, int64_t now_ms)
{
    long long left_s = (long long)s->value - now_ms / 1000;

    (void)strbuf_printf(out,
                        "# HELP posthorn_certificate_expiry_days Days until the first certificate "
                        "in use expires.\n# TYPE posthorn_certificate_expiry_days gauge\n"
                        "posthorn_certificate_expiry_days{service=\"%s\"} %lld\n",
                        s->service, left_s < 0 ? -1 : left_s / DAY_S);
}

static void
write_all_samples(const struct collection *c, int64_t now_ms, struct strbuf *out)
{
    const char *before = "";

    for (size_t i = 0; i < c->count; i++) {
        const struct sample *s = &c->samples[i];
        const struct metric *metric = metric_find(s->name);
        bool is_level = metric_is_level(s->name);

        if (strcmp(before, s->name) != 0)
            put_head(out, s->name, metric, is_level);
        before = s->name;
        put_sample(out, s, metric, is_level);
    }
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->samples[i].name, EXPIRY) == 0 && c->samples[i].value <= INT64_MAX / 2)
            put_days(out, &c->samples[i], now_ms);
}

int
exposition_write(int stats_dirfd, const char *only, int64_t now_ms, struct strbuf *out,
                 void (*failed)(void *arg, const char *service, int error), void *arg)
{
    struct collection c = {.failed = failed, .arg = arg};
    int count = stats_dir_each(stats_dirfd, only, take_sample, pass_failure, &c);

    if (c.count > 0)
        qsort(c.samples, c.count, sizeof(c.samples[0]), by_name);
    write_all_samples(&c, now_ms, out);
    for (size_t i = 0; i < c.count; i++) {
        free(c.samples[i].service);
        free(c.samples[i].name);
        free(c.samples[i].part);
    }
    free(c.samples);
    free(c.service);
    return count;
}
