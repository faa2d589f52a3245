//! What headers ask of compilers: those of libc, libstdc++, libc++, boost, LLVM and Eigen. Holds no answer.

/// A macro and its usual arguments, parted by blanks.
pub(crate) const USUAL: &[(&str, &str)] = &[
    (
        "__has_attribute",
        "__access__ __aligned__ __alloc_align__ __alloc_size__ __always_inline__ __artificial__ __cold__ \
         __const__ __copy__ __deprecated__ __fallthrough__ __fd_arg__ __format__ __hot__ __malloc__ \
         __may_alias__ __noinline__ __nonnull__ __nonstring__ __noreturn__ __nothrow__ __packed__ __pure__ \
         __returns_nonnull__ __unused__ __visibility__ __warn_unused_result__ __weak__ abi_tag aligned \
         alloc_size always_inline cleanup cold const counted_by deprecated diagnose_if enable_if error \
         exclude_from_explicit_instantiation fallthrough flatten format gnu_inline hot init_priority \
         internal_linkage lifetimebound malloc musttail no_instrument_function no_sanitize \
         no_sanitize_address no_sanitize_thread nodebug noinline nonnull noreturn nothrow optimize packed \
         pure require_constant_initialization returns_nonnull target trivial_abi uninitialized unused used \
         using_if_exists vector_size visibility warn_unused_result warning weak",
    ),
    (
        "__has_builtin",
        "__atomic_load __builtin_FILE __builtin_FUNCTION __builtin_LINE __builtin_add_overflow \
         __builtin_addressof __builtin_alloca __builtin_assume __builtin_assume_aligned __builtin_bit_cast \
         __builtin_bswap16 __builtin_bswap32 __builtin_bswap64 __builtin_clz __builtin_constant_p \
         __builtin_ctz __builtin_debugtrap __builtin_dynamic_object_size __builtin_expect __builtin_fclose \
         __builtin_is_constant_evaluated __builtin_launder __builtin_memcpy __builtin_memcpy_inline \
         __builtin_mul_overflow __builtin_nan __builtin_nontemporal_load __builtin_object_size \
         __builtin_operator_new __builtin_popcount __builtin_prefetch __builtin_rotateleft32 \
         __builtin_rotateleft64 __builtin_source_location __builtin_sub_overflow __builtin_trap \
         __builtin_types_compatible_p __builtin_unreachable __has_unique_object_representations \
         __is_aggregate __is_array __is_assignable __is_constructible __is_convertible __is_final \
         __is_layout_compatible __is_nothrow_constructible __is_pointer_interconvertible_base_of __is_same \
         __is_trivially_constructible __is_trivially_copyable __is_trivially_destructible __make_integer_seq \
         __reference_binds_to_temporary __remove_cv __remove_cvref __remove_reference __sync_fetch_and_add \
         __type_pack_element __underlying_type",
    ),
    ("__has_c_attribute", "deprecated fallthrough maybe_unused nodiscard noreturn reproducible unsequenced"),
    (
        "__has_cpp_attribute",
        "__no_unique_address__ assert assume carries_dependency clang::fallthrough clang::lifetimebound \
         clang::reinitializes clang::trivial_abi deprecated fallthrough gnu::always_inline gnu::cold \
         gnu::const gnu::fallthrough gnu::hot gnu::noinline gnu::pure gnu::unused gnu::visibility likely \
         maybe_unused no_sanitize no_unique_address nodiscard noreturn unlikely",
    ),
    (
        "__has_extension",
        "__attribute_deprecated_with_message__ blocks c_alignas c_atomic c_generic_selections c_static_assert \
         c_thread_local cxx_atomic cxx_strong_enums enumerator_attributes gnu_asm is_trivially_assignable \
         is_trivially_constructible",
    ),
    (
        "__has_feature",
        "__cxx_aggregate_nsdmi__ __cxx_alias_templates__ __cxx_binary_literals__ __cxx_constexpr__ \
         __cxx_decltype__ __cxx_decltype_auto__ __cxx_deleted_functions__ __cxx_generic_lambdas__ \
         __cxx_init_captures__ __cxx_nullptr__ __cxx_reference_qualified_functions__ \
         __cxx_relaxed_constexpr__ __cxx_return_type_deduction__ __cxx_rvalue_references__ \
         __cxx_static_assert__ __cxx_variable_templates__ __cxx_variadic_templates__ address_sanitizer \
         assume_nonnull attribute_deprecated_with_message blocks c_alignas c_alignof c_atomic \
         c_generic_selections c_static_assert c_thread_local cxx_access_control_sfinae cxx_alias_templates \
         cxx_alignas cxx_atomic cxx_attributes cxx_auto_type cxx_binary_literals cxx_constexpr \
         cxx_contextual_conversions cxx_decltype cxx_decltype_auto cxx_decltype_incomplete_return_types \
         cxx_default_function_template_args cxx_defaulted_functions cxx_delegating_constructors \
         cxx_deleted_functions cxx_exceptions cxx_explicit_conversions cxx_generalized_initializers \
         cxx_generic_lambdas cxx_implicit_moves cxx_inheriting_constructors cxx_init_captures \
         cxx_inline_namespaces cxx_lambdas cxx_local_type_template_args cxx_noexcept \
         cxx_nonstatic_member_init cxx_nullptr cxx_override_control cxx_range_for cxx_raw_string_literals \
         cxx_reference_qualified_functions cxx_relaxed_constexpr cxx_return_type_deduction cxx_rtti \
         cxx_rvalue_references cxx_static_assert cxx_strong_enums cxx_thread_local cxx_trailing_return \
         cxx_unicode_literals cxx_unrestricted_unions cxx_user_literals cxx_variable_templates \
         cxx_variadic_templates dataflow_sanitizer has_nothrow_assign has_nothrow_constructor \
         has_nothrow_copy has_trivial_assign has_trivial_constructor has_trivial_copy has_trivial_destructor \
         has_virtual_destructor hwaddress_sanitizer is_abstract is_base_of is_class is_convertible_to \
         is_empty is_enum is_final is_pod is_polymorphic is_standard_layout is_trivial is_trivially_copyable \
         is_union leak_sanitizer memory_sanitizer modules nullability objc_arc ptrauth_calls safe_stack \
         shadow_call_stack thread_sanitizer tls undefined_behavior_sanitizer underlying_type",
    ),
    ("__is_identifier", "_Static_assert __char16_t __int64 nullptr wchar_t"),
];
