// Text in columns.
#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "parts.hpp"

std::string table(const std::vector<std::vector<std::string>> &rows)
{
    std::vector<std::size_t> widths;
    for (const auto &row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        std::transform(row.begin(), row.end(), widths.begin(), widths.begin(),
                       [](const std::string &cell, std::size_t width) { return std::max(cell.size(), width); });
    }
    const std::size_t line = std::accumulate(widths.begin(), widths.end(), widths.size());

    std::ostringstream text;
    for (const auto &row : rows) {
        text << std::left;
        for (std::size_t column = 0; column + 1 < row.size(); ++column)
            text << std::setw(static_cast<int>(widths[column] + 1)) << row[column];
        text << (row.empty() ? std::string() : row.back()) << '\n';
    }
    text << std::string(line, '-') << '\n';
    return text.str();
}
