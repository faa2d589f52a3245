// Schoolbook arithmetic with nine decimal digits at a time.
#include <cstdint>
#include <iomanip>
#include <sstream>

#include "parts.hpp"

namespace {
constexpr std::uint64_t base = 1000000000;
}

Natural::Natural(unsigned value)
{
    do {
        limbs_.push_back(static_cast<unsigned>(value % base));
        value = static_cast<unsigned>(value / base);
    } while (value > 0);
}

Natural &Natural::operator*=(unsigned factor)
{
    std::uint64_t carry = 0;
    for (unsigned &limb : limbs_) {
        carry += std::uint64_t{limb} * factor;
        limb = static_cast<unsigned>(carry % base);
        carry /= base;
    }
    if (carry > 0)
        limbs_.push_back(static_cast<unsigned>(carry));
    return *this;
}

std::string Natural::decimal() const
{
    std::ostringstream digits;
    digits << limbs_.back() << std::setfill('0');
    for (auto limb = limbs_.rbegin() + 1; limb != limbs_.rend(); ++limb)
        digits << std::setw(9) << *limb;
    return digits.str();
}
