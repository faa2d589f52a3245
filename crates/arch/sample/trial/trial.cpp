// What a host is asked to compile: a template, a virtual function and an exception.
#include <cstddef>
#include <exception>

struct Empty : std::exception {
    const char *what() const noexcept override { return "nothing to add"; }
};

struct Scale {
    virtual ~Scale() = default;
    virtual int weigh(int value) const = 0;
};

template <std::size_t Count>
int total(const Scale &scale, const int (&values)[Count])
{
    int sum = 0;
    for (int value : values)
        sum += scale.weigh(value);
    if (sum == 0)
        throw Empty();
    return sum;
}

int total_of_three(const Scale &scale, const int (&values)[3])
{
    return total(scale, values);
}
