/*
 * lib/figures/figure_history.c - all rings and the names, opened for reading.
 */
#include "lib/figures/figure_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

struct figure_history {
    struct figure_series *series;
    struct figure_ring *rings[FIGURE_STEPS];
};

static bool
open_all(struct figure_history *history, int dirfd)
{
    history->series = figure_series_open(dirfd, false);
    if (history->series == NULL)
        return false;
    for (int step = 0; step < FIGURE_STEPS; step++) {
        history->rings[step] = figure_ring_open(dirfd, (enum figure_step)step, false);
        if (history->rings[step] == NULL)
            return false;
    }
    return true;
}

struct figure_history *
figure_history_open(const char *db)
{
    struct figure_history *history;
    char *path = xasprintf("%s/" FIGURES_DIR, db);
    int dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    free(path);
    if (dirfd < 0)
        return NULL;
    history = xcalloc(1, sizeof(*history));
    if (!open_all(history, dirfd))
        figure_history_close(&history);
    close_keep_errno(dirfd);
    return history;
}

void
figure_history_close(struct figure_history **historyp)
{
    int saved = errno;

    if (*historyp == NULL)
        return;
    figure_series_close(&(*historyp)->series);
    for (int step = 0; step < FIGURE_STEPS; step++)
        figure_ring_close(&(*historyp)->rings[step]);
    xfree(historyp);
    errno = saved;
}

const struct figure_series *
figure_history_series(const struct figure_history *history)
{
    return history->series;
}

int
figure_history_read(const struct figure_history *history, enum figure_step step, int64_t period,
                    struct figure_slot *out)
{
    return figure_ring_read(history->rings[step], period, out);
}
