"""Every way into orders by RPC."""

from services.orders.adapters import (
    collection_agreements,
    dispute_queries,
    document_queries,
    queries,
    quotation_queries,
)
from services.orders.use_cases import (
    analysis,
    collection_agreement,
    contract,
    dispute,
    order,
    quotation,
    quotation_request,
    report,
    sample,
)
from services.shared.chassis.entrypoints import ServiceBase, command, query
from services.shared.messages.orders import analysis as analysis_messages
from services.shared.messages.orders import collection_agreement as collection_messages
from services.shared.messages.orders import contract as contract_messages
from services.shared.messages.orders import dispute as dispute_messages
from services.shared.messages.orders import order as order_messages
from services.shared.messages.orders import quotation as quotation_messages
from services.shared.messages.orders import quotation_request as request_messages
from services.shared.messages.orders import report as report_messages
from services.shared.messages.orders import sample as sample_messages


class OrdersService(ServiceBase):
    name = "orders"

    open_quotation_request = command(
        request_messages.OpenQuotationRequest, quotation_request.open_quotation_request
    )  # fmt: skip
    withdraw_quotation_request = command(
        request_messages.WithdrawQuotationRequest, quotation_request.withdraw_quotation_request
    )
    take_over_pricing = command(request_messages.TakeOverPricing, quotation_request.take_over_pricing)
    get_quotation_request = query(request_messages.GetQuotationRequest, quotation_queries.get_quotation_request)
    list_quotation_requests = query(request_messages.ListQuotationRequests, quotation_queries.list_quotation_requests)

    send_quotation = command(quotation_messages.SendQuotation, quotation.send_quotation)
    price_quotation = command(quotation_messages.PriceQuotation, quotation.price_quotation)
    accept_quotation = command(quotation_messages.AcceptQuotation, quotation.accept_quotation)
    counter_quotation = command(quotation_messages.CounterQuotation, quotation.counter_quotation)
    decline_quotation = command(quotation_messages.DeclineQuotation, quotation.decline_quotation)
    withdraw_quotation = command(quotation_messages.WithdrawQuotation, quotation.withdraw_quotation)
    get_quotation = query(quotation_messages.GetQuotation, quotation_queries.get_quotation)
    list_quotations = query(quotation_messages.ListQuotations, quotation_queries.list_quotations)

    propose_collection_agreement = command(
        collection_messages.ProposeCollectionAgreement, collection_agreement.propose_collection_agreement
    )
    approve_collection_agreement = command(
        collection_messages.ApproveCollectionAgreement, collection_agreement.approve_collection_agreement
    )
    withdraw_collection_agreement = command(
        collection_messages.WithdrawCollectionAgreement, collection_agreement.withdraw_collection_agreement
    )
    list_collection_agreements = query(
        collection_messages.ListCollectionAgreements, collection_agreements.list_collection_agreements
    )

    place_order = command(order_messages.PlaceOrder, order.place_order)
    accept_order = command(order_messages.AcceptOrder, order.accept_order)
    cancel_order = command(order_messages.CancelOrder, order.cancel_order)
    get_order = query(order_messages.GetOrder, queries.get_order)
    list_orders = query(order_messages.ListOrders, queries.list_orders)

    sign_contract = command(contract_messages.SignContract, contract.sign_contract)
    get_contract = query(contract_messages.GetContract, document_queries.get_contract)
    get_contract_document = query(contract_messages.GetContractDocument, document_queries.get_contract_document)

    dispatch_shipment = command(sample_messages.DispatchShipment, sample.dispatch_shipment)
    receive_sample = command(sample_messages.ReceiveSample, sample.receive_sample)
    reject_sample = command(sample_messages.RejectSample, sample.reject_sample)
    get_packing_sheet = query(sample_messages.GetPackingSheet, document_queries.get_packing_sheet)

    start_analysis = command(analysis_messages.StartAnalysis, analysis.start_analysis)
    finish_analysis = command(analysis_messages.FinishAnalysis, analysis.finish_analysis)

    open_dispute = command(dispute_messages.OpenDispute, dispute.open_dispute)
    answer_dispute = command(dispute_messages.AnswerDispute, dispute.answer_dispute)
    comment_on_dispute = command(dispute_messages.CommentOnDispute, dispute.comment_on_dispute)
    declare_evidence = command(dispute_messages.DeclareEvidence, dispute.declare_evidence)
    submit_evidence = command(dispute_messages.SubmitEvidence, dispute.submit_evidence)
    decide_dispute = command(dispute_messages.DecideDispute, dispute.decide_dispute)
    withdraw_dispute = command(dispute_messages.WithdrawDispute, dispute.withdraw_dispute)
    get_dispute = query(dispute_messages.GetDispute, dispute_queries.get_dispute)
    list_disputes = query(dispute_messages.ListDisputes, dispute_queries.list_disputes)

    draft_report = command(report_messages.DraftReport, report.draft_report)
    issue_report = command(report_messages.IssueReport, report.issue_report)
    get_report = query(report_messages.GetReport, document_queries.get_report)
    get_report_document = query(report_messages.GetReportDocument, document_queries.get_report_document)
    check_report = query(report_messages.CheckReport, document_queries.check_report)
