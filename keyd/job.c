/*
 * keyd/job.c - codec between the key holder and the readers. No I/O.
 */
#include "keyd/job.h"

int
job_ask_encode(struct strbuf *packet, struct slice domain)
{
    struct writer w = frame_begin(packet, JOB_ASK, 0);

    writer_bytes(&w, domain);
    return frame_end(&w);
}

int
job_ask_decode(struct slice payload, struct slice *domain)
{
    struct reader r = reader_begin(payload);

    *domain = reader_bytes(&r, KEYD_ADDRESS_MAX);
    return reader_end(&r);
}

int
job_names_encode(struct strbuf *packet, const struct job_names *names)
{
    struct writer w = frame_begin(packet, JOB_NAMES, 0);

    for (int i = 0; i < DKIM_ALGORITHMS; i++)
        writer_bytes(&w, names->selectors[i]);
    return frame_end(&w);
}

int
job_names_decode(struct slice payload, struct job_names *names)
{
    struct reader r = reader_begin(payload);

    for (int i = 0; i < DKIM_ALGORITHMS; i++)
        names->selectors[i] = reader_bytes(&r, DKIM_NAME_MAX);
    return reader_end(&r);
}

int
job_digests_encode(struct strbuf *packet, const struct job_digests *digests)
{
    struct writer w = frame_begin(packet, JOB_DIGESTS, 0);

    for (int i = 0; i < DKIM_ALGORITHMS; i++) {
        writer_bytes(&w, digests->of[i].field);
        writer_bytes(&w, digests->of[i].digest);
    }
    return frame_end(&w);
}

int
job_digests_decode(struct slice payload, struct job_digests *digests)
{
    struct reader r = reader_begin(payload);

    for (int i = 0; i < DKIM_ALGORITHMS; i++) {
        digests->of[i].field = reader_bytes(&r, DKIM_FIELD_MAX);
        digests->of[i].digest = reader_bytes(&r, DKIM_DIGEST);
        if (digests->of[i].field.len > 0 && digests->of[i].digest.len != DKIM_DIGEST)
            return -1;
    }
    return reader_end(&r);
}

int
job_part_encode(struct strbuf *packet, const struct job_part *part)
{
    struct writer w = frame_begin(packet, JOB_PART, 0);

    writer_u8(&w, part->is_last);
    writer_bytes(&w, part->field);
    writer_bytes(&w, part->digest);
    writer_bytes(&w, part->below);
    return frame_end(&w);
}

int
job_part_decode(struct slice payload, struct job_part *part)
{
    struct reader r = reader_begin(payload);

    part->is_last = reader_u8(&r) != 0;
    part->field = reader_bytes(&r, DKIM_FIELD_MAX);
    part->digest = reader_bytes(&r, DKIM_DIGEST);
    part->below = reader_bytes(&r, KEYD_FIELDS_MAX);
    return part->digest.len == DKIM_DIGEST ? reader_end(&r) : -1;
}

int
job_signed_encode(struct strbuf *packet, struct slice field)
{
    struct writer w = frame_begin(packet, JOB_SIGNED, 0);

    writer_bytes(&w, field);
    return frame_end(&w);
}

int
job_signed_decode(struct slice payload, struct slice *field)
{
    struct reader r = reader_begin(payload);

    *field = reader_bytes(&r, DKIM_FIELD_MAX);
    return reader_end(&r);
}

int
job_refused_encode(struct strbuf *packet, enum keyd_result result, const char *reason)
{
    struct writer w = frame_begin(packet, JOB_REFUSED, 0);

    writer_u8(&w, (uint8_t)result);
    writer_str(&w, reason);
    return frame_end(&w);
}

int
job_refused_decode(struct slice payload, uint8_t *result, struct slice *reason)
{
    struct reader r = reader_begin(payload);

    *result = reader_u8(&r);
    *reason = reader_bytes(&r, KEYD_TEXT_MAX);
    if (*result == KEYD_DONE || *result > KEYD_LATER)
        return -1;
    return reader_end(&r);
}

int
job_lost_encode(struct strbuf *packet)
{
    struct writer w = frame_begin(packet, JOB_LOST, 0);

    return frame_end(&w);
}
