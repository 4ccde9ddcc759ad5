/*
 * queue-manager/wording.c - what notices say.
 */
#include "queue-manager/wording.h"

#include "lib/conf/conf_new.h"
#include "lib/mail/dsn.h"
#include "lib/mail/template_file.h"

static const struct {
    const char *name, *built_in;
} files[WORDING_KINDS] = {
    [WORDING_BOUNCE] = {"bounce.txt", conf_new_bounce},
    [WORDING_DELAY] = {"delay.txt", conf_new_delay},
    [WORDING_SUCCESS] = {"success.txt", conf_new_success},
    [WORDING_NOTICE] = {"notice.txt", conf_new_notice},
};

void
wording_load(struct wording *w, const char *etc)
{
    for (int kind = 0; kind < WORDING_KINDS; kind++)
        template_file_load(etc, files[kind].name, files[kind].built_in, dsn_value_names,
                           &w->kinds[kind]);
}
