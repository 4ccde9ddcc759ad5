/*
 * posthorn/doctor_acme.c - `doctor`: certificates by ACME: is there a way to the authority, and
 * when is each renewed?
 */
#include <errno.h>
#include <string.h>

#include "posthorn/acme_call.h"
#include "posthorn/acme_service.h"
#include "posthorn/doctor.h"

enum { ASK_MS = 5000 };

/* RFC 8555 section 8.3, RFC 8737 section 3: no other port will do. */
static void
check_port(struct doctor *d)
{
    bool tls = strcmp(conf_str(d->conf, ACME_CHALLENGE_TYPE), "tls-alpn-01") == 0;
    unsigned port = acme_service_port(d->conf, d->services), wanted = tls ? 443 : 80;

    if (port != wanted)
        doctor_note(d, DOCTOR_WARN, "acme",
                    "%s is answered on port %u: the authority looks on port %u alone",
                    conf_str(d->conf, ACME_CHALLENGE_TYPE), port, wanted);
    else
        doctor_note(d, DOCTOR_OK, "acme",
                    "%s is answered on port %u; firewalls have to let everybody through to it",
                    conf_str(d->conf, ACME_CHALLENGE_TYPE), port);
}

static void
note_certificate(struct doctor *d, const struct object_field *fields, uint32_t count)
{
    struct slice name = object_get(fields, count, "name"), next = object_get(fields, count, "next");
    struct slice state = object_get(fields, count, "state");
    struct slice error = object_get(fields, count, "error");

    if (slice_eq(state, SLICE("issued")))
        doctor_note(d, DOCTOR_OK, "acme", "%.*s: renewed at %.*s", (int)name.len, name.ptr,
                    (int)next.len, next.ptr);
    else
        doctor_note(d, slice_eq(state, SLICE("unusable")) ? DOCTOR_FAIL : DOCTOR_WARN, "acme",
                    "%.*s: %.*s%s%.*s", (int)name.len, name.ptr, (int)state.len, state.ptr,
                    error.len > 0 ? ": " : "", (int)error.len, error.ptr);
}

static void
check_certificates(struct doctor *d)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    const struct acmed_request request = {.verb = SLICE("status")};
    struct acme_call *call = acme_call_new(&d->cli->inst);
    struct acmed_reply reply;
    int count;

    if (acme_call_ask(call, &request, ASK_MS, &reply) < 0)
        doctor_note(d, DOCTOR_FAIL, "acme", "acmed does not answer: %s", strerror(errno));
    else
        while ((count = object_next(&reply.data, fields)) > 0)
            note_certificate(d, fields, (uint32_t)count);
    acme_call_free(&call);
}

void
doctor_acme(struct doctor *d)
{
    const char *trouble = acme_service_trouble(d->conf, d->services);

    if (conf_str(d->conf, ACME_DIRECTORY_URL)[0] == '\0')
        return;
    if (trouble != NULL) {
        doctor_note(d, DOCTOR_FAIL, "acme", "%s", trouble);
        return;
    }
    check_port(d);
    if (d->running)
        check_certificates(d);
}
