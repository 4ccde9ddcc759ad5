/*
 * posthorn/qr_code.h - text as a QR code on the terminal.
 */
#ifndef POSTHORN_POSTHORN_QR_CODE_H
#define POSTHORN_POSTHORN_QR_CODE_H

/* On stdout, in half blocks of UTF-8. Nothing if the text is too long for one. */
void qr_code_print(const char *text);

#endif
