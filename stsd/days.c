/*
 * stsd/days.c - shows and removes days of TLS outcomes.
 */
#include "stsd/days.h"

#include <dirent.h>
#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/ipc/object.h"

enum { DAY_S = 24 * 60 * 60 };

struct line {
    const struct tally_domain *domain;
    const struct tally_policy *policy;
    enum outcome_result result;
    const char *mx, *ip, *reason;
    uint64_t sessions;
};

static void
add_line(struct strbuf *objects, const struct line *l)
{
    struct strbuf number = strbuf_new(24);
    bool made = strbuf_u64(&number, l->sessions);
    struct object_field fields[] = {
        {SLICE("domain"), slice_of(l->domain->name)},
        {SLICE("policy"), slice_of(outcome_policy_word((enum outcome_policy)l->policy->type))},
        {SLICE("policy_domain"), slice_of(l->policy->domain)},
        {SLICE("result"), slice_of(outcome_result_word(l->result))},
        {SLICE("mx"), slice_of(l->mx)},
        {SLICE("ip"), slice_of(l->ip)},
        {SLICE("sessions"), strbuf_slice(&number)},
        {SLICE("reason"), slice_of(l->reason)},
        {SLICE("state"), l->domain->settled ? SLICE("settled") : SLICE("open")},
    };

    if (made) /* it always fits */
        object_add(objects, fields, ARRAY_LEN(fields));
    strbuf_free(&number);
}

static void
show_policy(const struct tally_domain *d, const struct tally_policy *p, struct strbuf *objects)
{
    const struct tally_failure *f;
    struct line line = {.domain = d,
                        .policy = p,
                        .result = OUTCOME_SUCCESS,
                        .mx = "",
                        .ip = "",
                        .reason = "",
                        .sessions = p->successes};

    if (p->successes > 0)
        add_line(objects, &line);
    for (f = STAILQ_FIRST(&p->kinds); f != NULL; f = STAILQ_NEXT(f, link)) {
        line = (struct line){.domain = d,
                             .policy = p,
                             .result = (enum outcome_result)f->result,
                             .mx = f->mx_host,
                             .ip = f->receiving_ip,
                             .reason = f->reason,
                             .sessions = f->sessions};
        add_line(objects, &line);
    }
}

void
days_show(const struct tally *tally, struct slice domain, struct strbuf *objects)
{
    const struct tally_domain *d;
    const struct tally_policy *p;

    for (d = STAILQ_FIRST(&tally->domains); d != NULL; d = STAILQ_NEXT(d, link)) {
        if (domain.len > 0 && !slice_eq(domain, slice_of(d->name)))
            continue;
        for (p = STAILQ_FIRST(&d->policies); p != NULL; p = STAILQ_NEXT(p, link))
            show_policy(d, p, objects);
    }
}

void
days_remove_old(int dirfd, int64_t now_ms, int keep)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;

    if (dir == NULL) {
        close_keep_errno(fd);
        return;
    }
    while ((e = readdir(dir)) != NULL) {
        int64_t begin = tally_day_begin(slice_of(e->d_name));

        if (e->d_name[0] != '.' && begin < now_ms / 1000 - (int64_t)keep * DAY_S)
            unlink_keep_errno(dirfd, e->d_name);
    }
    (void)closedir(dir); /* only read from */
}
