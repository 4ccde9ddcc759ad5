/*
 * accountd/recorder_message.c - what accountd says to its recorder, as bytes. No I/O.
 */
#include "accountd/recorder_message.h"

#include <string.h>

enum { TEXT_MAX = 2048 };

static bool
copy_path(struct slice from, char to[RECORDER_PATH_MAX + 1])
{
    if (from.len > RECORDER_PATH_MAX || slice_index(from, '\0') < from.len)
        return false;
    if (from.len > 0)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return true;
}

int
recorder_note_encode(struct strbuf *out, const struct recorder_note *note)
{
    struct writer w = frame_begin(out, RECORDER_NOTE, 0);

    writer_str(&w, note->path);
    writer_u8(&w, (uint8_t)note->kind);
    writer_u8(&w, note->listed);
    writer_u64(&w, (uint64_t)note->entry.time_ms);
    writer_u64(&w, note->entry.bytes);
    writer_u32(&w, note->entry.local);
    writer_u32(&w, note->entry.remote);
    writer_bytes(&w, note->entry.client);
    writer_bytes(&w, note->entry.what);
    writer_bytes(&w, note->entry.result);
    writer_u8(&w, note->figures != NULL);
    for (size_t i = 0; i < BOOK_FIGURES && note->figures != NULL; i++)
        writer_u64(&w, note->figures[i]);
    return frame_end(&w);
}

int
recorder_note_decode(struct slice payload, struct recorder_note *note,
                     char path[RECORDER_PATH_MAX + 1], uint64_t figures[BOOK_FIGURES])
{
    struct reader r = reader_begin(payload);
    bool path_fits = copy_path(reader_bytes(&r, RECORDER_PATH_MAX), path);
    uint8_t kind = reader_u8(&r), listed = reader_u8(&r), has_figures;

    note->path = path;
    note->kind = (enum book_kind)kind;
    note->listed = listed == 1;
    note->entry.time_ms = (int64_t)reader_u64(&r);
    note->entry.bytes = reader_u64(&r);
    note->entry.local = reader_u32(&r);
    note->entry.remote = reader_u32(&r);
    note->entry.client = reader_bytes(&r, TEXT_MAX);
    note->entry.what = reader_bytes(&r, TEXT_MAX);
    note->entry.result = reader_bytes(&r, TEXT_MAX);
    has_figures = reader_u8(&r);
    note->figures = has_figures == 1 ? figures : NULL;
    for (size_t i = 0; i < BOOK_FIGURES && has_figures == 1; i++)
        figures[i] = reader_u64(&r);
    return reader_end(&r) < 0 || !path_fits || kind >= BOOK_KINDS || listed > 1 ||
                   has_figures > 1 || note->entry.time_ms < 0
               ? -1
               : 0;
}

int
recorder_moved_encode(struct strbuf *out, struct slice path, struct slice new_path)
{
    struct writer w = frame_begin(out, RECORDER_MOVED, 0);

    writer_bytes(&w, path);
    writer_bytes(&w, new_path);
    return frame_end(&w);
}

int
recorder_moved_decode(struct slice payload, char path[RECORDER_PATH_MAX + 1],
                      char new_path[RECORDER_PATH_MAX + 1])
{
    struct reader r = reader_begin(payload);
    bool fits = copy_path(reader_bytes(&r, RECORDER_PATH_MAX), path);

    fits = copy_path(reader_bytes(&r, RECORDER_PATH_MAX), new_path) && fits;
    return reader_end(&r) < 0 || !fits ? -1 : 0;
}

int
recorder_question_encode(struct strbuf *out, enum recorder_type type, uint32_t id,
                         const struct recorder_question *question)
{
    struct writer w = frame_begin(out, (uint16_t)type, id);

    writer_str(&w, question->path);
    writer_u32(&w, question->kinds);
    writer_u32(&w, question->period.first_day);
    writer_u32(&w, question->period.last_day);
    writer_u8(&w, question->period.by_month);
    writer_u32(&w, question->period.month);
    writer_bytes(&w, question->cursor);
    return frame_end(&w);
}

int
recorder_question_decode(struct slice payload, struct recorder_question *question)
{
    struct reader r = reader_begin(payload);
    bool fits = copy_path(reader_bytes(&r, RECORDER_PATH_MAX), question->path);
    uint8_t by_month;

    question->kinds = reader_u32(&r);
    question->period.first_day = reader_u32(&r);
    question->period.last_day = reader_u32(&r);
    by_month = reader_u8(&r);
    question->period.by_month = by_month == 1;
    question->period.month = reader_u32(&r);
    question->cursor = reader_bytes(&r, TEXT_MAX);
    return reader_end(&r) < 0 || !fits || by_month > 1 ||
                   question->period.last_day < question->period.first_day ||
                   question->period.last_day - question->period.first_day >= BOOK_DAYS
               ? -1
               : 0;
}

int
recorder_answer_encode(struct strbuf *out, uint32_t id, struct slice data, struct slice cursor)
{
    struct writer w = frame_begin(out, RECORDER_ANSWER, id);

    writer_bytes(&w, data);
    writer_bytes(&w, cursor);
    return frame_end(&w);
}

int
recorder_answer_decode(struct slice payload, struct slice *data, struct slice *cursor)
{
    struct reader r = reader_begin(payload);

    *data = reader_bytes(&r, RECORDER_DATA_MAX);
    *cursor = reader_bytes(&r, TEXT_MAX);
    return reader_end(&r);
}
