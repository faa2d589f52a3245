unsigned long second(const char *text) {
    unsigned long count = 0;
    for (; *text; text++)
        count += text[0] == ' ' && text[1] && text[1] != ' ';
    return count;
}
