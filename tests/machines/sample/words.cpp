#include <string>

extern "C" unsigned long first(const char *);
extern "C" unsigned long second(const char *);

extern "C" unsigned long words(const char *text) {
    const std::string copy(text);
    return first(copy.c_str()) + second(copy.c_str());
}
