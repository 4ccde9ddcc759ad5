/*
 * fuzz/fuzz_dns_packet.c - DNS responses. The first two bytes are the type that was asked for.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/dns/name.h"
#include "lib/dns/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dnsd_answer answer, back;
    struct strbuf text = strbuf_new(DNS_PACKET_TEXT_MAX);
    struct strbuf frame = strbuf_new(DNSD_PAYLOAD_MAX + FRAME_HEADER);
    uint16_t rr;

    if (size < 2)
        return 0;
    rr = (uint16_t)(data[0] << 8 | data[1]);
    if (dns_packet_parse(slice_make(data + 2, size - 2), rr, &text, &answer) == 0) {
        assert_always(answer.count <= DNSD_RECORDS_MAX);
        assert_always((answer.status == DNS_FOUND) == (answer.count > 0));
        for (uint32_t i = 0; i < answer.count; i++)
            if (rr == DNS_MX || rr == DNS_PTR)
                assert_always(answer.records[i].data.len == 0 ||
                              dns_name_valid(answer.records[i].data));
        assert_always(dnsd_answer_encode(&frame, 1, &answer) == 0);
        assert_always(dnsd_answer_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len),
                                         &back) == 0);
    }
    strbuf_free(&text);
    strbuf_free(&frame);
    return 0;
}
