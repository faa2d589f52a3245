// Recursive descent over + - * / and parentheses.
#include <cctype>
#include <stdexcept>

#include "parts.hpp"

namespace {

class Reader {
public:
    explicit Reader(const std::string &text) : next_(text.begin()), end_(text.end()) {}

    long all()
    {
        const long value = sum();
        if (peek() != '\0')
            throw std::invalid_argument("something follows the sum");
        return value;
    }

private:
    long sum()
    {
        long value = product();
        while (peek() == '+' || peek() == '-')
            value = take() == '+' ? value + product() : value - product();
        return value;
    }

    long product()
    {
        long value = factor();
        while (peek() == '*' || peek() == '/') {
            if (take() == '*') {
                value *= factor();
            } else if (const long divisor = factor()) {
                value /= divisor;
            } else {
                throw std::invalid_argument("division by zero");
            }
        }
        return value;
    }

    long factor()
    {
        if (peek() != '(')
            return number();
        take();
        const long value = sum();
        if (peek() != ')')
            throw std::invalid_argument("a parenthesis stays open");
        take();
        return value;
    }

    long number()
    {
        std::string digits;
        while (std::isdigit(static_cast<unsigned char>(peek())))
            digits.push_back(take());
        if (digits.empty())
            throw std::invalid_argument("a number is missing");
        return std::stol(digits);
    }

    char peek()
    {
        while (next_ != end_ && *next_ == ' ')
            ++next_;
        return next_ == end_ ? '\0' : *next_;
    }

    char take()
    {
        const char taken = peek();
        ++next_;
        return taken;
    }

    std::string::const_iterator next_, end_;
};

} // namespace

long evaluate(const std::string &sum)
{
    return Reader(sum).all();
}
