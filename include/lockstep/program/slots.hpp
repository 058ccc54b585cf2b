// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/group.hpp>
#include <lockstep/program/local_program.hpp>
#include <lockstep/program/schedule.hpp>

namespace lockstep::detail {

/// Leaves are found by their tag: a parameter may be read under several shapes.
template <class Tag>
struct leaf_slot {};
template <class E>
struct slot_key {
    using type = E;
};
template <class Tag, class Shape, bool PerSample, leaf_content Content>
struct slot_key<leaf<Tag, Shape, PerSample, Content>> {
    using type = leaf_slot<Tag>;
};

template <class Tag>
struct role_of;
template <int Index>
struct role_of<input_tag<Index>> {
    static constexpr slot_role role = slot_role::input;
    template <class>
    static constexpr int index = Index;
};
template <>
struct role_of<target_tag> {
    static constexpr slot_role role = slot_role::target;
    template <class>
    static constexpr int index = 0;
};
template <>
struct role_of<upstream_tag> {
    static constexpr slot_role role = slot_role::upstream;
    template <class>
    static constexpr int index = 0;
};
template <class Tag, class Parameters>
inline constexpr int parameter_index = -1;
template <class Tag, class... Parameters>
inline constexpr int parameter_index<Tag, type_list<Parameters...>> =
    index_of<Tag, type_list<typename Parameters::tag...>>;
template <int Layer, class Tag>
struct role_of<parameter_tag<Layer, Tag>> {
    static constexpr slot_role role = slot_role::parameter;
    template <class Parameters>
    static constexpr int index = parameter_index<parameter_tag<Layer, Tag>, Parameters>;
};

template <class E, class Parameters, class Storage>
constexpr local_slot slot_value() {
    local_slot slot;
    slot.shape = extents_of<typename E::result_shape>();
    slot.per_sample = E::per_sample;
    slot.content = Storage::template content<E>;
    if constexpr (is_leaf<E>) {
        slot.role = role_of<typename E::tag>::role;
        slot.index = role_of<typename E::tag>::template index<Parameters>;
    }
    return slot;
}

// ---- steps ----

template <class E, class Reads>
struct step {};

/// Each buffer with what its step reads, given the buffers before it.
template <class Before, class Steps, class... Buffers>
struct make_steps {
    using type = Steps;
};
template <class Before, class... Steps, class First, class... Rest>
struct make_steps<Before, type_list<Steps...>, First, Rest...>
    : make_steps<append<Before, First>, type_list<Steps..., step<First, reads_of<Before, First>>>, Rest...> {};

template <class Buffers>
struct steps_of;
template <class... Buffers>
struct steps_of<type_list<Buffers...>> {
    using type = typename make_steps<type_list<>, type_list<>, Buffers...>::type;
};

/// One slot for every leaf that is read and every buffer.
template <class Slots, class Steps>
struct slots_of;
template <class Slots>
struct slots_of<Slots, type_list<>> {
    using type = Slots;
};
template <class Slots, class... E>
struct append_slots {
    using type = Slots;
};
template <class... Slots, class First, class... Rest>
struct append_slots<type_list<Slots...>, First, Rest...>
    : append_slots<std::conditional_t<contains<typename slot_key<First>::type,
                                               type_list<typename slot_key<Slots>::type...>>,
                                      type_list<Slots...>, type_list<Slots..., First>>,
                   Rest...> {};
template <class Slots, class E, class... Read, class... Steps>
struct slots_of<Slots, type_list<step<E, type_list<Read...>>, Steps...>>
    : slots_of<typename append_slots<Slots, Read..., E>::type, type_list<Steps...>> {};

template <class E, class Slots>
inline constexpr int slot_of = -1;
template <class E, class... Slots>
inline constexpr int slot_of<E, type_list<Slots...>> =
    index_of<typename slot_key<E>::type, type_list<typename slot_key<Slots>::type...>>;

} // namespace lockstep::detail
