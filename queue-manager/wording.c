/*
 * queue-manager/wording.c - what notices say.
 */
#include "queue-manager/wording.h"

#include "lib/mail/template_file.h"

static const enum template_id templates[WORDING_KINDS] = {
    [WORDING_BOUNCE] = TEMPLATE_BOUNCE,
    [WORDING_DELAY] = TEMPLATE_DELAY,
    [WORDING_SUCCESS] = TEMPLATE_SUCCESS,
    [WORDING_NOTICE] = TEMPLATE_NOTICE,
    [WORDING_APPROVAL_REQUEST] = TEMPLATE_APPROVAL_REQUEST,
    [WORDING_REFUSAL] = TEMPLATE_APPROVAL_REFUSAL,
    [WORDING_APPROVAL_LATE] = TEMPLATE_APPROVAL_LATE,
    [WORDING_DELAY_NOTICE] = TEMPLATE_DELAY_NOTICE,
    [WORDING_DISK] = TEMPLATE_DISK_WARNING,
};

void
wording_load(struct wording *w, const char *etc, const char *language)
{
    for (int kind = 0; kind < WORDING_KINDS; kind++)
        template_file_load(etc, language, templates[kind], &w->kinds[kind]);
}
